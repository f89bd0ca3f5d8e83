package users

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// How failures from one address are slowed. Each weighs for forgiveAfter; what weighs more than grace is answered
// late, twice as late with each failure more.
const (
	forgiveAfter = time.Second
	grace        = 10 * forgiveAfter
	mostWeight   = 60 * forgiveAfter
	firstDelay   = 100 * time.Millisecond
	mostDelay    = 4 * time.Second
)

// How many logins may wait at a time from one address, those included that are answered late: from one that is slowed,
// and from any other. A crowd of honest clients may have one address.
const (
	mostSlowed = 64
	mostInLine = 1024
)

// Bounds over all addresses: how many are known for their failures, and how many logins are answered late.
const (
	offendersMax = 1 << 16
	heldMax      = 4096
)

// failures knows the addresses from which wrong passwords came.
type failures struct {
	mu   sync.Mutex
	from map[netip.Addr]*offender // guarded by mu
	held int                      // answers that are held back; guarded by mu
}

// offender is an address from which wrong passwords came. It is guarded by the mu of failures.
type offender struct {
	forgiven time.Time // when the last failure will weigh nothing any more
	held     int       // answers that are held back
}

// allowance returns how many logins from the address may wait for their turn.
func (f *failures) allowance(from netip.Addr) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.from[from]; o != nil && (o.held > 0 || o.delay(time.Now()) > 0) {
		return mostSlowed - o.held
	}
	return mostInLine
}

// slow notes a failure, and waits as long as its answer is to be held back, or until ctx ends. It tells whether it was.
func (f *failures) slow(ctx context.Context, from netip.Addr) bool {
	delay := f.note(from)
	if delay == 0 {
		return false
	}
	defer f.release(from)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

// note returns for how long the answer is to be held back; if that is not 0, it counts as held until released.
func (f *failures) note(from netip.Addr) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	o := f.from[from]
	if o == nil {
		f.makeRoom(now)
		o = &offender{forgiven: now}
		f.from[from] = o
	}
	if o.forgiven.Before(now) {
		o.forgiven = now
	}
	if o.forgiven = o.forgiven.Add(forgiveAfter); o.forgiven.Sub(now) > mostWeight {
		o.forgiven = now.Add(mostWeight)
	}
	delay := o.delay(now)
	if delay == 0 || f.held >= heldMax {
		return 0
	}
	f.held++
	o.held++
	return delay
}

func (o *offender) delay(now time.Time) time.Duration {
	excess := o.forgiven.Sub(now) - grace
	if excess <= 0 {
		return 0
	}
	return min(mostDelay, firstDelay<<min(10, (excess-1)/forgiveAfter))
}

func (f *failures) release(from netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held--
	f.from[from].held--
}

// makeRoom forgets, if it must, one who is forgiven among a few, or else any whose answers are not held back.
func (f *failures) makeRoom(now time.Time) {
	looked := 0
	for addr, o := range f.from {
		if len(f.from) < offendersMax {
			return
		}
		if looked++; o.held == 0 && (o.forgiven.Before(now) || looked > forgetAmong) {
			delete(f.from, addr)
		}
	}
}
