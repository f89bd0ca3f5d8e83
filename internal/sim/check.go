package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// checker holds every promise against every step. It knows what no node knows: all that any correct node has.
type checker struct {
	w       *World
	failure *Failure // the first
	done    bool
	logs    []*log             // of the correct nodes
	decided []consensus.Round  // by whichever correct node was the first to decide
	last    int64              // consensus time of the last transaction in them
	events  map[event.ID]*fact // those that correct nodes have taken in
	made    int                // how many of them are by correct nodes
	latency []time.Duration
	longest time.Duration // between two rounds decided under load, by whichever node was the first
	at      int64         // when the last one was
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
	rounds    int // how many of checker.decided it has decided
	ancient   uint64
	own       uint64 // sequence number of its last own event
	persisted map[event.ID]bool
	applied   []int // by member: how many of its transactions have taken effect
}

func newChecker(w *World) *checker { return &checker{w: w, events: make(map[event.ID]*fact)} }

// join adds a correct node.
func (c *checker) join(h *host) {
	h.log = &log{host: h, persisted: make(map[event.ID]bool), applied: make([]int, c.w.sc.Members)}
	c.logs = append(c.logs, h.log)
}

// rounds returns how many rounds the foremost node has decided.
func (c *checker) rounds() uint64 { return uint64(len(c.decided)) }

// fail notes a broken promise.
func (c *checker) fail(invariant, format string, args ...any) {
	if c.failure == nil {
		c.failure = &Failure{invariant, fmt.Sprintf(format, args...), time.Duration(c.w.now - epoch)}
	}
}

// ready checks what a node is about to do.
func (c *checker) ready(h *host, r *driver.Ready) {
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
				c.fail("persist before send", "node %d sends %v before it is written", h.index, e.ID())
			}
		}
	}
	for i := range r.Ordered {
		c.order(l, &r.Ordered[i])
	}
	for _, e := range r.Persist {
		c.monotone(l, c.events[e.ID()])
	}
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
			c.fail("rounds rise", "at node %d %v is of round %d, its parent %v of %d", l.host.index,
				f.event.ID(), round, p.event.ID(), engine.RoundOf(p.event.ID()))
		}
	}
}

// persist notes that a node has taken an event in.
func (c *checker) persist(l *log, e *event.Event) {
	if l.persisted[e.ID()] {
		c.fail("taken in once", "node %d takes %v in again", l.host.index, e.ID())
	}
	l.persisted[e.ID()] = true
	f := c.events[e.ID()]
	if f == nil {
		f = c.learn(e)
	}
	if e.Creator != l.host.index {
		return
	}
	if e.Seq != l.own+1 {
		c.fail("no branch", "node %d makes event %d after %d", e.Creator, e.Seq, l.own)
	}
	l.own = e.Seq
	c.made++
	c.w.note('m', e.Creator, int(e.Seq), nil)
	c.acknowledge(f, e.Creator, e.Time)
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

// order checks a round that a node has decided against the one log, or makes it part of it.
func (c *checker) order(l *log, r *consensus.Round) {
	if l.rounds == len(c.decided) {
		c.extend(r)
	}
	if l.rounds >= len(c.decided) {
		return
	}
	c.agree(l, r, &c.decided[l.rounds])
	l.rounds++
	if r.Ancient < l.ancient {
		c.fail("ancient only rises", "node %d lowers it from %d to %d", l.host.index, l.ancient, r.Ancient)
	}
	l.ancient = r.Ancient
	for _, e := range r.Stale {
		c.staled(l, e)
	}
	for _, o := range r.Events {
		c.apply(l, o.Event)
	}
}

// extend makes a round part of the one log.
func (c *checker) extend(r *consensus.Round) {
	if r.Number != c.rounds()+1 {
		c.fail("rounds in order", "round %d follows %d", r.Number, c.rounds())
		return
	}
	if c.at > 0 && !c.w.ended {
		c.longest = max(c.longest, time.Duration(c.w.now-c.at))
	}
	c.at = c.w.now
	c.decided = append(c.decided, *r)
	c.judges(r)
	for i := range r.Events {
		c.orderEvent(r.Number, &r.Events[i])
	}
}

func (c *checker) judges(r *consensus.Round) {
	var creators []int
	for _, id := range r.Judges {
		f := c.events[id]
		if f == nil {
			c.fail("judges", "round %d has a judge that no correct node has taken in", r.Number)
			return
		}
		if slices.Contains(creators, f.event.Creator) {
			c.fail("judges", "round %d has two judges by %d", r.Number, f.event.Creator)
		}
		creators = append(creators, f.event.Creator)
	}
	if len(creators) < quorum(c.w.sc.Members) {
		c.fail("judges", "round %d has %d", r.Number, len(creators))
	}
}

// orderEvent checks an event that becomes part of the one log.
func (c *checker) orderEvent(round uint64, o *consensus.Ordered) {
	f := c.events[o.Event.ID()]
	switch {
	case f == nil:
		c.fail("ordered is held", "round %d orders %v, which no correct node holds", round, o.Event.ID())
		return
	case f.ordered:
		c.fail("ordered once", "round %d orders %v again", round, o.Event.ID())
	case f.stale:
		c.fail("stale is never ordered", "round %d orders %v", round, o.Event.ID())
	}
	f.ordered = true
	for _, p := range f.parents {
		if !p.ordered && p.event.BirthRound >= c.decidedAncient() {
			c.fail("parent before child", "round %d orders %v before its parent", round, o.Event.ID())
		}
	}
	if o.Time <= c.last {
		c.fail("times increase", "round %d: %d after %d", round, o.Time, c.last)
	}
	c.timeInRange(f, o.Time)
	c.last = o.Time + int64(max(0, o.Event.Transactions()-1))*1000
	id := o.Event.ID()
	c.w.note('o', int(round), 0, id[:])
}

// decidedAncient is the threshold after the round before the one that is being added.
func (c *checker) decidedAncient() uint64 {
	if len(c.decided) < 2 {
		return 1
	}
	return c.decided[len(c.decided)-2].Ancient
}

// timeInRange checks that a consensus time lies among the stamps with which correct nodes acknowledged the event,
// unless it was raised to come after the one before it.
func (c *checker) timeInRange(f *fact, t int64) {
	lo, hi := int64(math.MaxInt64), int64(0)
	for _, a := range f.acked {
		if a > 0 {
			lo, hi = min(lo, a), max(hi, a)
		}
	}
	if t < lo || t > max(hi, c.last+1000) {
		c.fail("time in range", "%v at %d, acknowledged from %d to %d, after %d", f.event.ID(), t, lo, hi, c.last)
	}
}

// agree checks one node's round against the one log.
func (c *checker) agree(l *log, r, want *consensus.Round) {
	same := r.Number == want.Number && r.Ancient == want.Ancient && slices.Equal(r.Judges, want.Judges) &&
		slices.EqualFunc(r.Events, want.Events, func(a, b consensus.Ordered) bool {
			return a.Event.ID() == b.Event.ID() && a.Time == b.Time
		})
	if !same {
		c.fail("agreement", "node %d decides round %d with judges %v and %d events, others with %v and %d",
			l.host.index, r.Number, r.Judges, len(r.Events), want.Judges, len(want.Events))
	}
}

// staled notes that to a node an event is stale.
func (c *checker) staled(l *log, e *event.Event) {
	f := c.events[e.ID()]
	if f == nil {
		c.fail("stale is held", "node %d has a stale event that it never took in", l.host.index)
		return
	}
	f.stale = true
	if f.ordered {
		c.fail("stale is never ordered", "to node %d %v is stale", l.host.index, e.ID())
	}
}

// apply lets an event's transactions take effect at a node.
func (c *checker) apply(l *log, e *event.Event) {
	e.EachTransaction(func(_ int, tx []byte) {
		if len(tx) != transactionSize || int(tx[0]) != e.Creator {
			return
		}
		number := int(binary.BigEndian.Uint64(tx[1:]))
		if number != l.applied[e.Creator] {
			return
		}
		l.applied[e.Creator]++
		if e.Creator >= c.w.sc.liars() {
			at := c.w.members[e.Creator].hosts[0].source.submitted[number]
			c.latency = append(c.latency, time.Duration(c.w.now-at))
		}
	})
}

// status checks what a node says of itself.
func (c *checker) status(h *host) {
	s := h.driver.Status()
	n := c.w.sc.Members
	if s.Err != nil {
		c.fail("judges", "node %d: %v", h.index, s.Err)
	}
	if s.Waiting > maxWaiting*n || s.Missing > maxMissing || s.Kept > maxKept+maxRecent*n {
		c.fail("memory", "node %d holds %d events, %d wait, %d are asked for", h.index, s.Kept, s.Waiting, s.Missing)
	}
}

// The bounds of what a node holds, in events: for each member those that wait and those that are not ancient, and
// in all the ancient ones and those asked for. They follow from the driver's default limits.
const (
	maxWaiting = 4096
	maxRecent  = 4096
	maxKept    = 65536
	maxMissing = 8192
)
