package node

import (
	"crypto/ecdsa"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/foxmq/foxmq/internal/event"
)

// intake verifies the signatures of events that peers send, each once as long as it is remembered. An event that
// was verified before passes again: the driver may have forgotten it meanwhile and asked for it.
//
// Concurrency: safe for use by many goroutines; peers' events are verified side by side.
type intake struct {
	keys []*ecdsa.PublicKey // by member
	bad  atomic.Uint64      // events refused

	mu     sync.Mutex
	recent map[signed]struct{} // guarded by mu
	older  map[signed]struct{} // guarded by mu
}

// signed names an event together with one signature of it. The id alone would not do: a forged signature that
// comes first must not stand in the real one's way, nor a real one vouch for a forged.
type signed struct {
	id        event.ID
	signature event.Signature
}

// remembered is how many verified events either generation of the memory holds.
const remembered = 8192

// share is how many events one goroutine verifies, about 2 ms of work, before another is worth its start.
const share = 16

// verified returns those of the events that their creators signed. It reuses the slice. What a peer hands out to a
// node that catches up is many events at once, which all processors verify.
func (in *intake) verified(events []*event.Event) []*event.Event {
	good := make([]bool, len(events))
	var next atomic.Int64
	work := func() {
		for end := int(next.Add(share)); end-share < len(events); end = int(next.Add(share)) {
			for i := end - share; i < min(end, len(events)); i++ {
				good[i] = in.verify(events[i])
			}
		}
	}
	var helpers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0)-1, (len(events)-1)/share) {
		helpers.Go(work)
	}
	work()
	helpers.Wait()
	kept := events[:0]
	for i, e := range events {
		if good[i] {
			kept = append(kept, e)
		} else {
			in.bad.Add(1)
		}
	}
	return kept
}

// known returns how many of the events were verified before and are remembered, and how many of the others are of a
// round before ancient.
func (in *intake) known(events []*event.Event, ancient uint64) (known, late int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, e := range events {
		switch {
		case in.holds(signed{e.ID(), e.Signature}):
			known++
		case e.BirthRound < ancient:
			late++
		}
	}
	return known, late
}

func (in *intake) verify(e *event.Event) bool {
	if e.Creator >= len(in.keys) {
		return false
	}
	s := signed{e.ID(), e.Signature}
	if in.knows(s) {
		return true
	}
	if !e.Verify(in.keys[e.Creator]) {
		return false
	}
	in.remember(s)
	return true
}

func (in *intake) knows(s signed) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.holds(s)
}

// holds is knows for a caller that holds mu.
func (in *intake) holds(s signed) bool {
	if _, ok := in.recent[s]; ok {
		return true
	}
	_, ok := in.older[s]
	return ok
}

// remember adds to the recent ones; when those are many, they become the older ones, and the older are forgotten.
func (in *intake) remember(s signed) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.recent) >= remembered || in.recent == nil {
		in.older, in.recent = in.recent, make(map[signed]struct{}, remembered)
	}
	in.recent[s] = struct{}{}
}
