package consensus_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// crew is a cluster at work for as long as anybody likes. In each layer each member makes an event on top of the
// latest ones of all others: those of the layer before and, of one in four, the one of this layer. So a round takes
// about two layers. A third of the events carries a transaction. One member may fork with every event.
type crew struct {
	t      testing.TB
	engine *consensus.Engine
	rng    *rand.Rand
	clock  int64            // ns
	tips   [][]*event.Event // by member: the ends of its branches
	made   []*event.Event   // not handed out yet
}

// forks is how many branches the member that forks keeps going.
const forks = 4

// newCrew makes a cluster of which the last member may fork.
func newCrew(t testing.TB, members int, forked bool) *crew {
	c := &crew{
		t:      t,
		engine: consensus.New(consensus.Config{Members: members}),
		rng:    rand.New(rand.NewPCG(uint64(members), 1)),
		tips:   make([][]*event.Event, members),
	}
	for m := range c.tips {
		c.tips[m] = make([]*event.Event, 1)
	}
	if forked {
		c.tips[members-1] = make([]*event.Event, forks)
	}
	return c
}

// take makes the next events, parents first.
func (c *crew) take(count int) []*event.Event {
	for len(c.made) < count {
		c.layer()
	}
	taken := slices.Clone(c.made[:count])
	c.made = append(c.made[:0], c.made[count:]...)
	return taken
}

// layer lets every member make an event, and the one that forks one on each of its branches.
func (c *crew) layer() {
	before := make([][]*event.Event, len(c.tips))
	for m := range before {
		before[m] = slices.Clone(c.tips[m])
	}
	for _, m := range c.rng.Perm(len(c.tips)) {
		for branch := range c.tips[m] {
			c.create(m, branch, before)
		}
	}
}

func (c *crew) create(creator, branch int, before [][]*event.Event) {
	c.clock += 100_000
	ev := &event.Event{
		Creator: creator, Seq: 1, BirthRound: c.engine.Pending(), Time: c.clock, Coin: byte(c.rng.Uint32()),
	}
	if self := c.selfParent(creator, branch); self != nil {
		ev.Seq = self.Seq + 1
		ev.Parents = append(ev.Parents, claim(self))
	}
	for m := range c.tips {
		tips := before[m]
		if c.rng.IntN(4) == 0 {
			tips = c.tips[m]
		}
		if other := tips[creator%len(tips)]; m != creator && other != nil {
			ev.Parents = append(ev.Parents, claim(other))
		}
	}
	if c.rng.IntN(3) == 0 {
		ev.Payload = event.AppendTransaction(nil, []byte("transaction"))
	}
	if err := ev.Seal(event.Domain{}); err != nil {
		c.t.Fatal(err)
	}
	c.engine.Insert(ev)
	c.tips[creator][branch] = ev
	c.made = append(c.made, ev)
}

// selfParent returns the event to go on from. The member that forks now and then leaves a branch to open another.
func (c *crew) selfParent(creator, branch int) *event.Event {
	tips := c.tips[creator]
	if len(tips) > 1 && c.rng.IntN(8) == 0 {
		branch = c.rng.IntN(len(tips))
	}
	return tips[branch]
}
