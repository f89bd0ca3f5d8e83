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
	verifyCost = int64(100 * time.Microsecond) // a signature under an unknown event that is too old or is refused, or under a vote
	mostAsked  = int64(10 * time.Millisecond)  // for the loop to look up what it asks for or tells, which is measured: more is not its doing
)

// What it costs to send a byte that a peer asked for, in ns, and what one is charged with that it had been handed before,
// which a correct peer seldom asks for: so one peer is sent up to 64 MiB/s, and of what it had about 16. One
// that catches up does ask twice, when it has gone on before the answer came.
const (
	handCost  = 3
	againCost = 12
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
	asked  atomic.Int64 // what it cost the loop since then, in ns
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

// waste returns what it costs, in ns, to take in those of a message's events that are not new: they are known, or too old
// to be taken in; and how many the others are. What is known is not verified, old or not. To a node that catches up most of what comes is both: it asks
// several peers, some of them twice, and when they answer it has gone on.
func (n *Node) waste(events []*event.Event) (cost int64, fresh int) {
	ancient := uint64(0)
	if p := n.picture.Load(); p != nil {
		ancient = p.Ancient
	}
	known, late := n.intake.known(events, ancient)
	cost = int64(known)*knownCost + int64(late)*verifyCost
	if known == len(events) {
		cost += emptyCost
	}
	return cost, len(events) - known - late
}
