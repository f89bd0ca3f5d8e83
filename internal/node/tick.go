package node

import (
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
)

// tickInterval is the least time between two ticks of a node, and how much longer each node leaves a tick to the nodes
// before it, in ns.
const tickInterval = int64(time.Second)

// deadline is when the machine waits for the consensus time, and the node that the wait is on behalf of.
type deadline struct {
	at   int64
	node int
}

// watchDeadline tells the loop what the machine waits for. The applier calls it, before ownDone: an own tick that has
// done its work is not followed by another.
func (n *Node) watchDeadline(m *replica.Machine) {
	var next *deadline
	if at, node, ok := m.Deadline(); ok {
		next = &deadline{at, node}
	}
	last := n.deadline.Load()
	if last == nil && next == nil || last != nil && next != nil && *last == *next {
		return
	}
	n.deadline.Store(next)
	n.wake()
}

// What a Node that owns a token has submitted.
const (
	tokenTick = iota
	tokenSuspect
)

// ownDone forgets what this package itself has submitted, the tick and suspicions, if it is among the results, and that it
// was that.
func (n *Node) ownDone(results []replica.Result) {
	if !n.ticking.Load() && n.suspecting.Load() == 0 {
		return
	}
	for i := range results {
		r := &results[i]
		if !r.Own || r.Token.Owner != n {
			continue
		}
		if r.Token.Kind == tokenTick {
			n.ticking.Store(false)
		} else {
			n.suspecting.Add(-1)
		}
		r.Token = replica.Token{}
		n.wake()
	}
}

// nextTick returns when this node is to submit a tick, by its own clock, or 0 if not. Where nothing is submitted the
// consensus time stands still, and nothing in the machine falls due; so a node whose clock has passed the deadline
// makes one transaction. First it is the node on whose behalf the machine waits, then the next one in the book, as that
// one may be down or late. A tick whose consensus time falls short is followed by another; but it is waited for first,
// or ticks would pile up while there is no quorum. A node
// that others take to be dead shows by a tick that it is not.
func (l *loop) nextTick() int64 {
	d, p := l.node.deadline.Load(), l.node.picture.Load()
	if p == nil || p.State != driver.Active || l.node.ticking.Load() {
		return 0
	}
	if l.node.suspected() {
		return l.ticked + tickInterval
	}
	if d == nil {
		return 0
	}
	members := len(l.node.peers)
	rank := (l.node.cfg.Self - d.node + members) % members
	return max(d.at+int64(rank)*tickInterval, l.ticked+tickInterval)
}

// tick submits a tick if it is time. If the pool is full it is not needed.
func (l *loop) tick(now int64) {
	at := l.nextTick()
	if at == 0 || at > now {
		return
	}
	l.ticked = now
	l.node.ticking.Store(true)
	if l.node.pool.TrySubmit(fair.Key{}, &replica.Tick{}, replica.Token{Owner: l.node, Kind: tokenTick}) != nil {
		l.node.ticking.Store(false)
	}
}
