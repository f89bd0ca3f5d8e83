package sim

import (
	"math/rand/v2"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// shadow is an engine that goes on from a snapshot of a node's engine and is handed the same events. It has to say
// the same.
type shadow struct {
	host   *host
	life   int
	engine *consensus.Engine
	rounds int // still to be compared
}

// shadowRounds is for how many rounds an engine that was restored is compared.
const shadowRounds = 8

// shade compares a node with the engine that follows it, or takes a snapshot of it for another to go on from.
func (c *checker) shade(h *host, r *driver.Ready) {
	s := &c.shadow
	switch {
	case h.replaying:
	case s.engine == nil:
		if len(r.Ordered) > 0 && c.rng.IntN(4*len(c.logs)) == 0 {
			c.cast(h)
		}
	case s.host == h && s.life == h.life:
		s.follow(c, r)
	case s.host.life != s.life:
		s.engine = nil
	}
}

// cast begins to follow a node.
func (c *checker) cast(h *host) {
	cfg := consensus.Config{Members: c.w.sc.Members, Mutation: c.w.sc.Mutation}
	engine, err := consensus.Restore(cfg, h.driver.Engine().Snapshot())
	if err != nil {
		c.fail(RestoredAlike, "from a snapshot of node %d: %v", h.index, err)
		return
	}
	c.shadow = shadow{h, h.life, engine, shadowRounds}
}

func (s *shadow) follow(c *checker, r *driver.Ready) {
	var rounds []consensus.Round
	for _, e := range r.Persist {
		rounds = append(rounds, s.engine.Insert(e)...)
	}
	if !slices.EqualFunc(rounds, r.Ordered, alike) {
		c.fail(RestoredAlike, "node %d decides %d rounds from %d on, an engine restored from its snapshot %d, or others",
			s.host.index, len(r.Ordered), s.host.driver.Engine().Pending()-uint64(len(r.Ordered)), len(rounds))
	}
	if s.rounds -= len(rounds); s.rounds <= 0 {
		s.engine = nil
	}
}

// alike tells whether two decided rounds are the same, and the same events stale with them.
func alike(a, b consensus.Round) bool {
	return extended(event.ID{}, &a) == extended(event.ID{}, &b) &&
		slices.EqualFunc(a.Stale, b.Stale, func(x, y *event.Event) bool { return x.ID() == y.ID() })
}

// newShadowRand returns what decides when a snapshot is taken. It is apart from the world's, so that a run is the
// same without.
func newShadowRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 5)) }
