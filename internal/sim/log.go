package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// order checks a round that a node has decided against the one log, or makes it part of it.
func (c *checker) order(l *log, r *consensus.Round) {
	digest := extended(l.digest, r)
	if l.rounds == len(c.decided) {
		c.extend(r, digest)
	}
	if l.rounds >= len(c.decided) {
		return
	}
	if digest != c.digests[l.rounds] {
		want := &c.decided[l.rounds]
		c.fail(Agreement, "node %d decides round %d with judges %v and %d events, others with %v and %d",
			l.host.index, r.Number, r.Judges, len(r.Events), want.Judges, len(want.Events))
	}
	l.digest = digest
	l.rounds++
	if r.Ancient < l.ancient {
		c.fail(AncientRises, "node %d lowers it from %d to %d", l.host.index, l.ancient, r.Ancient)
	}
	l.ancient = r.Ancient
	for _, e := range r.Stale {
		c.staled(l, e)
	}
}

// extend makes a round part of the one log.
func (c *checker) extend(r *consensus.Round, digest event.ID) {
	if r.Number != c.rounds()+1 {
		c.fail(RoundsInOrder, "round %d follows %d", r.Number, c.rounds())
		return
	}
	if c.at > 0 && !c.w.ended {
		c.longest = max(c.longest, time.Duration(c.w.now-c.at))
	}
	c.at = c.w.now
	c.decided = append(c.decided, *r)
	c.digests = append(c.digests, digest)
	c.judges(r)
	for i := range r.Events {
		c.orderEvent(r.Number, &r.Events[i])
	}
	c.takeEffect(r)
}

// extended is the digest of a log to which a round is added: all of it on which nodes must agree.
func extended(digest event.ID, r *consensus.Round) event.ID {
	b := binary.BigEndian.AppendUint64(digest[:], r.Number)
	b = binary.BigEndian.AppendUint64(b, r.Ancient)
	b = binary.BigEndian.AppendUint64(b, uint64(len(r.Judges)))
	for i := range r.Judges {
		b = append(b, r.Judges[i][:]...)
	}
	for _, o := range r.Events {
		id := o.Event.ID()
		b = append(b, id[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(o.Time))
	}
	return sha256.Sum256(b)
}

func (c *checker) judges(r *consensus.Round) {
	var creators []int
	for _, id := range r.Judges {
		f := c.events[id]
		if f == nil {
			c.fail(EnoughJudges, "round %d has a judge that no correct node has taken in", r.Number)
			return
		}
		if slices.Contains(creators, f.event.Creator) {
			c.fail(EnoughJudges, "round %d has two judges by %d", r.Number, f.event.Creator)
		}
		creators = append(creators, f.event.Creator)
	}
	if len(creators) < quorum(c.w.sc.Members) {
		c.fail(EnoughJudges, "round %d has %d", r.Number, len(creators))
	}
}

// orderEvent checks an event that becomes part of the one log.
func (c *checker) orderEvent(round uint64, o *consensus.Ordered) {
	f := c.events[o.Event.ID()]
	switch {
	case f == nil:
		c.fail(OrderedIsHeld, "round %d orders %v, which no correct node holds", round, o.Event.ID())
		return
	case f.ordered:
		c.fail(OrderedOnce, "round %d orders %v again", round, o.Event.ID())
	case f.stale:
		c.fail(StaleNotOrdered, "round %d orders %v", round, o.Event.ID())
	}
	f.ordered = true
	for _, p := range f.parents {
		if !p.ordered && p.event.BirthRound >= c.decidedAncient() {
			c.fail(ParentFirst, "round %d orders %v before its parent", round, o.Event.ID())
		}
	}
	if o.Time <= c.last {
		c.fail(TimesIncrease, "round %d: %d after %d", round, o.Time, c.last)
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
// unless it was raised to come after the one before it. A node that has forgotten what it made acknowledges again,
// later.
func (c *checker) timeInRange(f *fact, t int64) {
	if c.w.sc.forgets() {
		return
	}
	lo, hi := int64(math.MaxInt64), int64(0)
	for _, a := range f.acked {
		if a > 0 {
			lo, hi = min(lo, a), max(hi, a)
		}
	}
	if t < lo || t > max(hi, c.last+1000) {
		c.fail(TimeInRange, "%v at %d, acknowledged from %d to %d, after %d", f.event.ID(), t, lo, hi, c.last)
	}
}

// staled notes that to a node an event is stale.
func (c *checker) staled(l *log, e *event.Event) {
	f := c.events[e.ID()]
	if f == nil {
		c.fail(StaleIsHeld, "node %d has a stale event that it never took in", l.host.index)
		return
	}
	f.stale = true
	if f.ordered {
		c.fail(StaleNotOrdered, "to node %d %v is stale", l.host.index, e.ID())
	}
}
