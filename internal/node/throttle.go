package node

import (
	"sync/atomic"
	"time"

	"github.com/foxmq/foxmq/internal/event"
)

// What it costs to take in what brings nothing new, in ns of a slow core, at most.
const (
	emptyCost  = int64(10 * time.Microsecond)  // a message without a new event
	knownCost  = int64(5 * time.Microsecond)   // an event whose signature has been verified before
	verifyCost = int64(100 * time.Microsecond) // a signature under an event that is too old, or under a vote
	mostAsked  = int64(10 * time.Millisecond)  // to look up what it asks for, which is measured: more is not its doing
)

// A peer may use up one part in wasteShare of a core for that, and wasteBurst at once, in ns. Correct peers stay far below:
// they push a new event with a message, and hand each event on once or twice. A peer that takes more is read more slowly.
const (
	wasteShare = 5
	wasteBurst = int64(time.Second / wasteShare)
)

// throttle bounds what a peer costs in vain, and with what it asks for. It belongs to the peer's goroutine, but for its
// atomic fields.
type throttle struct {
	owed   int64        // of what was used up, in ns, what the share has not paid for yet
	last   int64        // when owed was last reckoned
	asked  atomic.Int64 // what it took to look up what it asked for since then, in ns
	slowed atomic.Int64 // for how long the peer was not read on for this, in ns
}

// charge takes note of a cost and returns for how long to wait now.
func (t *throttle) charge(now, cost int64) time.Duration {
	t.owed = max(0, t.owed-max(0, now-t.last)/wasteShare) + cost
	t.last = now
	return time.Duration(max(0, t.owed-wasteBurst) * wasteShare)
}

// slow makes the peer wait for its turn if it has cost too much. It runs on the peer's goroutine.
func (n *Node) slow(from int, cost int64) {
	t := &n.peers[from].throttle
	if cost += t.asked.Swap(0); cost == 0 {
		return
	}
	pause := t.charge(n.cfg.Now(), cost)
	if pause == 0 {
		return
	}
	t.slowed.Add(int64(pause))
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.stopped:
	}
}

// late returns how many of the events are too old to be taken in.
func (n *Node) late(events []*event.Event) (count int64) {
	p := n.picture.Load()
	if p == nil {
		return 0
	}
	for _, e := range events {
		if e.BirthRound < p.Ancient {
			count++
		}
	}
	return count
}
