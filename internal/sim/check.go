package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// checker holds every promise against every step. It knows what no node knows: all that any correct node has.
type checker struct {
	w        *World
	failure  *Failure // the first
	done     bool
	logs     []*log             // of the correct nodes
	decided  []consensus.Round  // by whichever correct node was the first to decide
	last     int64              // consensus time of the last transaction in them
	events   map[event.ID]*fact // those that correct nodes have taken in
	chains   [][]event.ID       // those that correct nodes showed to others, by creator and sequence number
	made     int                // how many of them are by correct nodes
	strong   map[seat]event.ID  // witnesses that events which correct nodes hold strongly see
	fame     map[ballot]bool    // of the candidates that correct nodes have decided
	digests  []event.ID         // of the one log up to each round
	truth    state              // of whoever applies the one log
	turns    [][]turn           // in it after each round
	shadow   shadow
	verdicts map[uint64]*verdict // by round
	rng      *rand.Rand          // says which snapshots are tried
	latency  []time.Duration
	longest  time.Duration // between two rounds decided under load, by whichever node was the first
	at       int64         // when the last one was
}

// fact is what is known of an event that at least one correct node has taken in.
type fact struct {
	event   *event.Event
	parents []*fact // those that are what the event claims
	acked   []int64 // by member, if correct: the stamp of its first event that descends from it; 0 if none
	ordered bool
	stale   bool
}

// log is what one correct node has had ordered.
type log struct {
	host      *host
	rounds    int            // how many of checker.decided it has decided
	digest    event.ID       // of all it has decided
	events    []*event.Event // taken in, in that order
	ancient   uint64
	own       uint64            // sequence number of its last own event
	persisted map[event.ID]bool // written; true if also taken in
	born      uint64            // sequence number of its first own event since its process started, 0 before
	forgot    bool              // its disk has lost something
}

func newChecker(w *World) *checker {
	return &checker{
		w:        w,
		truth:    newState(w.sc.Members),
		rng:      newShadowRand(w.sc.Seed),
		events:   make(map[event.ID]*fact),
		chains:   make([][]event.ID, w.sc.Members),
		strong:   make(map[seat]event.ID),
		fame:     make(map[ballot]bool),
		verdicts: make(map[uint64]*verdict),
	}
}

// join adds a correct node.
func (c *checker) join(h *host) {
	h.log = &log{host: h, persisted: make(map[event.ID]bool)}
	c.logs = append(c.logs, h.log)
}

// rounds returns how many rounds the foremost node has decided.
func (c *checker) rounds() uint64 { return uint64(len(c.decided)) }

// fail notes a broken promise.
func (c *checker) fail(invariant, format string, args ...any) {
	if c.failure == nil {
		c.failure = &Failure{invariant, fmt.Sprintf(format, args...), time.Duration(c.w.now - epoch), c.w.steps}
	}
}

// ready checks what a node is about to do.
func (c *checker) ready(h *host, r *driver.Ready) {
	c.w.watchReady(h, r)
	if !h.correct {
		return
	}
	l := h.log
	for _, e := range r.Persist {
		c.persist(l, e)
	}
	for _, s := range r.Send {
		for _, e := range s.Message.Events {
			if !l.persisted[e.ID()] {
				c.fail(PersistBeforeSend, "node %d sends %v before it is written", h.index, e.ID())
			}
		}
	}
	for i := range r.Ordered {
		c.order(l, &r.Ordered[i])
	}
	for _, e := range r.Persist {
		c.monotone(l, c.events[e.ID()])
	}
	c.shade(h, r)
	if c.w.steps%64 == 0 || len(r.Ordered) > 0 {
		c.status(h)
	}
}

// monotone checks that an event just taken in has a round not below those of its parents.
func (c *checker) monotone(l *log, f *fact) {
	engine := l.host.driver.Engine()
	round := engine.RoundOf(f.event.ID())
	for _, p := range f.parents {
		if p.event.BirthRound >= engine.Ancient() && engine.RoundOf(p.event.ID()) > round {
			c.fail(RoundsRise, "at node %d %v is of round %d, its parent %v of %d", l.host.index,
				f.event.ID(), round, p.event.ID(), engine.RoundOf(p.event.ID()))
		}
	}
}

// persist notes that a node has taken an event in.
func (c *checker) persist(l *log, e *event.Event) {
	if l.persisted[e.ID()] {
		c.fail(TakenInOnce, "node %d takes %v in again", l.host.index, e.ID())
	}
	l.persisted[e.ID()] = true
	l.events = append(l.events, e)
	f := c.events[e.ID()]
	known := f != nil
	if !known {
		f = c.learn(e)
	}
	switch {
	case e.Creator != l.host.index:
		c.chain(e)
	case known: // it has lost it and has it back
		l.own = max(l.own, e.Seq)
	default:
		c.create(l, f)
	}
}

// create notes that a node has made an event.
func (c *checker) create(l *log, f *fact) {
	e := f.event
	if e.Seq != l.own+1 {
		c.fail(NoBranch, "node %d makes event %d after %d", e.Creator, e.Seq, l.own)
	}
	if shown := c.shown(e.Creator, e.Seq); shown != (event.ID{}) && shown != e.ID() {
		c.fail(NoBranch, "node %d makes %v after others have taken in %v, both its number %d", e.Creator, e.ID(), shown, e.Seq)
	}
	l.own = e.Seq
	c.made++
	c.w.note('m', e.Creator, int(e.Seq), nil)
	c.acknowledge(f, e.Creator, e.Time)
	if l.born == 0 {
		l.born = e.Seq
	}
	e.EachTransaction(func(_ int, b []byte) {
		if tx, ok := decode(b); ok && tx.incarnation != l.born {
			c.fail(Incarnation, "node %d says %d, its first event was %d", e.Creator, tx.incarnation, l.born)
		}
	})
}

// shown returns which event with this number its creator has shown to others.
func (c *checker) shown(creator int, seq uint64) event.ID {
	if chain := c.chains[creator]; seq < uint64(len(chain)) {
		return chain[seq]
	}
	return event.ID{}
}

// chain notes an event that its creator showed to another node, and checks that a correct one shows a single chain.
func (c *checker) chain(e *event.Event) {
	if e.Creator < c.w.sc.liars() {
		return
	}
	chain := &c.chains[e.Creator]
	for uint64(len(*chain)) <= e.Seq {
		*chain = append(*chain, event.ID{})
	}
	at := &(*chain)[e.Seq]
	if *at != (event.ID{}) && *at != e.ID() {
		c.fail(NoBranch, "node %d made %v and %v, both its number %d", e.Creator, *at, e.ID(), e.Seq)
	}
	*at = e.ID()
}

func (c *checker) learn(e *event.Event) *fact {
	f := &fact{event: e, acked: make([]int64, c.w.sc.Members)}
	for i := range e.Parents {
		p := &e.Parents[i]
		known := c.events[p.ID]
		if known == nil {
			continue
		}
		k := known.event
		late := p == e.SelfParent() && k.Time >= e.Time // a liar's: no link
		if k.Creator == p.Creator && k.Seq == p.Seq && k.BirthRound == p.BirthRound && !late {
			f.parents = append(f.parents, known)
		}
	}
	c.events[e.ID()] = f
	return f
}

// acknowledge notes that a correct member's event with this stamp descends from f.
func (c *checker) acknowledge(f *fact, member int, stamp int64) {
	stack := []*fact{f}
	for len(stack) > 0 {
		f = stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if f.acked[member] == 0 {
			f.acked[member] = stamp
			stack = append(stack, f.parents...)
		}
	}
}

// status checks what a node says of itself.
func (c *checker) status(h *host) {
	s := h.driver.Status()
	n := c.w.sc.Members
	if s.Err != nil {
		c.fail(EnoughJudges, "node %d: %v", h.index, s.Err)
	}
	recent := maxRecent*(n-c.w.sc.liars()) + maxLiar*c.w.sc.liars()
	if s.Waiting > maxWaiting*n || s.Missing > maxMissing || s.Kept > maxKept+recent {
		c.fail(BoundedMemory, "node %d holds %d events, %d wait, %d are asked for", h.index, s.Kept, s.Waiting, s.Missing)
	}
	engine := h.driver.Engine()
	if engine.Held() > recent || engine.Vertices() > recent+2 { // one for no event, one for a preview
		c.fail(BoundedMemory, "the engine of node %d holds %d events and %d vertices", h.index, engine.Held(),
			engine.Vertices())
	}
}

// The bounds of what a node holds, in events: of each peer those that wait; of each correct member those that are
// not ancient, which pacing keeps to some forty a round in the 26 rounds that count; of each liar the same, up to
// the driver's limit; in all the ancient ones, and those asked for. Where no reason is given, they are the driver's
// default limits.
const (
	maxWaiting = 4096
	maxRecent  = 1024
	maxLiar    = 4096
	maxKept    = 65536
	maxMissing = 8192
)
