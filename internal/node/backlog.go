package node

import (
	"sync"

	"github.com/foxmq/foxmq/internal/consensus"
)

// Bounds on the backlog in bytes of payload and eventOverhead for each event.
const (
	softBacklog   = 8 << 20  // from here on no own payload goes into events
	hardBacklog   = 64 << 20 // from here on nothing is taken from the peers' mailboxes
	eventOverhead = 512
)

// backlog holds the rounds that are decided and wait to be applied. The loop never blocks on it: it looks at how
// much there is and takes in less.
//
// Concurrency: put by the loop, taken by the applier; Bytes from anywhere.
type backlog struct {
	ready chan struct{} // capacity 1: there are rounds to take
	wake  func()        // called without mu held when Bytes has fallen below a bound

	mu     sync.Mutex
	rounds []consensus.Round // guarded by mu
	bytes  int               // of the rounds put and not done; guarded by mu
}

func newBacklog(wake func()) *backlog {
	return &backlog{ready: make(chan struct{}, 1), wake: wake}
}

// put adds rounds to the end.
func (b *backlog) put(rounds []consensus.Round) {
	if len(rounds) == 0 {
		return
	}
	size := 0
	for i := range rounds {
		for j := range rounds[i].Events {
			size += weight(&rounds[i].Events[j])
		}
	}
	b.mu.Lock()
	b.rounds = append(b.rounds, rounds...)
	b.bytes += size
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take returns the rounds that wait.
func (b *backlog) take() []consensus.Round {
	b.mu.Lock()
	defer b.mu.Unlock()
	rounds := b.rounds
	b.rounds = nil
	return rounds
}

// done says that events of that weight have been applied.
func (b *backlog) done(weight int) {
	b.mu.Lock()
	before := b.bytes
	b.bytes -= weight
	after := b.bytes
	b.mu.Unlock()
	for _, bound := range [...]int{softBacklog, hardBacklog} {
		if before >= bound && after < bound {
			b.wake()
		}
	}
}

// Bytes returns the weight of what is decided and not applied yet.
func (b *backlog) Bytes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// weight is what an event counts in the backlog.
func weight(o *consensus.Ordered) int { return len(o.Event.Payload) + eventOverhead }
