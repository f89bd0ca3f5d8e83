package broker_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
)

var (
	errFull    = errors.New("full")
	errStopped = errors.New("stopped")
)

// fakeStream is a cluster of one without consensus: what is submitted is applied by a real machine, in order, on an
// apply goroutine. It can be stalled, which is what a lost quorum looks like.
type fakeStream struct {
	machine *replica.Machine
	broker  *broker.Broker

	mu      sync.Mutex
	change  sync.Cond // on mu
	waiting []transaction
	jobs    []func()
	number  uint64
	bound   int // transactions that may wait
	stalled bool
	quorum  bool
	sealed  bool // what waits has gone into events
	stopped bool
}

type transaction struct {
	encoded []byte
	token   replica.Token
	connect bool
}

func newFakeStream() *fakeStream {
	s := &fakeStream{machine: replica.New(4, replica.DefaultLimits), bound: 10_000, quorum: true}
	s.change.L = &s.mu
	return s
}

func (s *fakeStream) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.change.Broadcast()
}

// stall stops the order; with it the quorum is gone.
func (s *fakeStream) stall() { s.set(func() { s.stalled, s.quorum = true, false }) }

// freeze stops the order without anybody noticing.
func (s *fakeStream) freeze() { s.set(func() { s.stalled = true }) }

func (s *fakeStream) resume() { s.set(func() { s.stalled, s.quorum = false, true }) }

// seal makes it too late to withdraw anything.
func (s *fakeStream) seal() { s.set(func() { s.sealed = true }) }

func (s *fakeStream) limit(bound int) { s.set(func() { s.bound = bound }) }

// Submit implements broker.Stream.
func (s *fakeStream) Submit(ctx context.Context, _ fair.Key, cmd replica.Command, token replica.Token) error {
	stop := context.AfterFunc(ctx, func() { s.set(func() {}) })
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil {
		if err := s.add(cmd, token); !errors.Is(err, errFull) {
			return err
		}
		s.change.Wait()
	}
	return ctx.Err()
}

// TrySubmit implements broker.Stream.
func (s *fakeStream) TrySubmit(_ fair.Key, cmd replica.Command, token replica.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(cmd, token)
}

func (s *fakeStream) add(cmd replica.Command, token replica.Token) error {
	switch {
	case s.stopped:
		return errStopped
	case len(s.waiting) >= s.bound:
		return errFull
	}
	_, connect := cmd.(*replica.Connect)
	s.waiting = append(s.waiting, transaction{cmd.Append(nil), token, connect})
	s.change.Broadcast()
	return nil
}

// Withdraw implements broker.Stream.
func (s *fakeStream) Withdraw(_ fair.Key, token replica.Token) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range s.waiting {
		if t.connect && t.token == token && !s.sealed {
			s.waiting = append(s.waiting[:i:i], s.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// Do implements broker.State.
func (s *fakeStream) Do(f func(*replica.Machine)) error {
	done := make(chan struct{})
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return errStopped
	}
	s.jobs = append(s.jobs, func() { f(s.machine); close(done) })
	s.change.Broadcast()
	s.mu.Unlock()
	<-done
	return nil
}

// Stalled implements broker.State.
func (s *fakeStream) Stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.quorum
}

// run is the apply goroutine. It ends after stop.
func (s *fakeStream) run() {
	var results []replica.Result
	for {
		batch, jobs, ok := s.next()
		if !ok {
			return
		}
		for _, job := range jobs {
			job()
		}
		if results = s.apply(results, batch); len(results) > 0 {
			s.broker.Applied(results)
		}
	}
}

func (s *fakeStream) next() ([]transaction, []func(), bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped && len(s.jobs) == 0 && (s.stalled || len(s.waiting) == 0) {
		s.change.Wait()
	}
	batch, jobs := s.waiting, s.jobs
	if s.stalled {
		batch = nil
	} else {
		s.waiting = nil
	}
	s.jobs = nil
	s.change.Broadcast()
	return batch, jobs, !s.stopped || len(jobs) > 0
}

func (s *fakeStream) apply(results []replica.Result, batch []transaction) []replica.Result {
	for len(results) < len(batch) {
		results = append(results, replica.Result{})
	}
	results = results[:len(batch)]
	var tx []byte
	for i, t := range batch {
		tx = replica.Header{Incarnation: 1, Number: s.number}.Append(tx[:0])
		s.number++
		s.machine.Apply(time.Now().UnixNano(), 0, append(tx, t.encoded...), &results[i])
		results[i].Own, results[i].Token = true, t.token
	}
	return results
}

// elsewhere applies a command as another node's.
func (s *fakeStream) elsewhere(number uint64, cmd replica.Command) { s.from(1, number, cmd) }

// declareDead has the other nodes take this one to be dead.
func (s *fakeStream) declareDead() {
	for node := 1; node < 4; node++ {
		s.from(node, 0, &replica.Suspect{Incarnation: 1})
	}
}

func (s *fakeStream) from(node int, number uint64, cmd replica.Command) {
	_ = s.Do(func(m *replica.Machine) {
		var r replica.Result
		m.Apply(time.Now().UnixNano(), node, cmd.Append(replica.Header{Incarnation: 1, Number: number}.Append(nil)), &r)
		s.broker.Applied([]replica.Result{r})
	})
}

// tick lets the consensus time catch up with the clock.
func (s *fakeStream) tick() { _ = s.TrySubmit(fair.Key{}, &replica.Tick{}, replica.Token{}) }

// count returns how many transactions the broker has submitted and were applied.
func (s *fakeStream) count() (n uint64) {
	_ = s.Do(func(*replica.Machine) { n = s.number })
	return n
}

func (s *fakeStream) stop() { s.set(func() { s.stopped = true }) }
