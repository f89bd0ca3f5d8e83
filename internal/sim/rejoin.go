package sim

import (
	"slices"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// rejoin begins a node's log anew with what is on its disk. Of that it may have told nobody yet.
func (c *checker) rejoin(h *host, f *found) {
	l, s := h.log, h.disk.snapshot()
	before := l.persisted
	l.persisted = make(map[event.ID]bool)
	l.rounds, l.digest, l.ancient, l.own = 0, event.ID{}, 0, 0
	if s.Round > 0 {
		l.rounds = int(s.Round)
		l.digest, l.ancient = c.digests[s.Round-1], c.decided[s.Round-1].Ancient
	}
	for _, e := range h.disk.all(f) {
		switch {
		case l.persisted[e.ID()]: // it is in the snapshot and in the log
		case e.BirthRound >= max(1, l.ancient) && slices.ContainsFunc(s.Last, func(x *event.Event) bool { return x.ID() == e.ID() }):
			l.persisted[e.ID()] = false
		case !before[e.ID()]:
			c.persist(l, e)
			continue
		default:
			l.persisted[e.ID()] = true
		}
		if e.Creator == h.index {
			l.own = max(l.own, e.Seq)
		}
	}
	l.born = 0
}

// unlearn drops what one node alone found by way of events that it made and did not write before it died. In a
// cluster of one these count; in any other nothing is found before others have them.
func (c *checker) unlearn() {
	if c.w.sc.Members == 1 {
		clear(c.strong)
		clear(c.fame)
	}
}

// takeEffect lets the transactions of a round that is new to the one log take effect, once for all nodes.
func (c *checker) takeEffect(r *consensus.Round) {
	c.truth.apply(r, func(tx transaction) {
		if tx.node < c.w.sc.liars() {
			return
		}
		call := &c.w.members[tx.node].hosts[0].source.calls[tx.client]
		if call.effects++; call.effects > call.tries {
			c.fail(EffectOnce, "transaction %d of node %d was submitted %d times and takes effect %d times", tx.client,
				tx.node, call.tries, call.effects)
		}
	})
	c.turns = append(c.turns, slices.Clone(c.truth.turns))
}

// effect notes that a transaction took effect at a node.
func (c *checker) effect(h *host, tx transaction) {
	if tx.node >= c.w.sc.liars() && !c.w.ended && h.life == 0 {
		at := c.w.members[tx.node].hosts[0].source.calls[tx.client].at
		c.latency = append(c.latency, time.Duration(c.w.now-at))
	}
}

// applied checks the state of a node that has applied a round.
func (c *checker) applied(h *host) {
	if at := h.state.round; at > c.rounds() || !slices.Equal(h.state.turns, c.turns[at-1]) {
		c.fail(StateFollowsLog, "node %d after round %d", h.index, at)
	}
}
