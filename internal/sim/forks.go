package sim

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// equivocator forks at events of its choice and shows each half of the members one branch. Both branches go on for
// a while side by side; then the second ends, and all may see everything.
type equivocator struct {
	open
	begins func(l *liar, e *event.Event) bool // whether to fork at this event
	differ bool                               // the second branch does not see some member

	start  uint64       // sequence number at which the branches part
	end    uint64       // and at which the second one ends
	second *event.Event // the latest of the second branch, nil between two forks
	branch map[event.ID]bool
	sides  []bool // by member: sees the second branch
}

// made implements scheme.
func (q *equivocator) made(l *liar, e *event.Event) {
	var f *event.Event
	switch {
	case q.second != nil && e.Seq >= q.end:
		q.second = nil
		return
	case q.second != nil:
		f = l.forge(e, func(f *event.Event) { follow(f, q.second); l.sayElse(f) })
	case q.begins(l, e):
		q.start, q.end = e.Seq, e.Seq+1+l.w.rng.Uint64N(12)
		q.sides, q.branch = l.toss(), make(map[event.ID]bool)
		f = q.fork(l, e)
	}
	if f == nil {
		return
	}
	q.second = f
	q.branch[f.ID()] = true
	l.adopt(f)
	l.tellAll(func(to int) bool { return q.sides[to] }, f)
}

// fork makes the first event of the second branch: in the place of e, without one of its other-parents where it is
// to vote differently, provided that it is of the same round.
func (q *equivocator) fork(l *liar, e *event.Event) *event.Event {
	others := e.OtherParents()
	if !q.differ || len(others) == 0 {
		return l.sibling(e)
	}
	for _, skip := range l.w.rng.Perm(len(others)) {
		without := slices.DeleteFunc(slices.Clone(e.Parents), func(p event.Parent) bool { return p == others[skip] })
		if l.preview(without).Round == l.roundOf(e) {
			return l.forge(e, func(f *event.Event) { f.Parents = without; l.sayElse(f) })
		}
	}
	return l.sibling(e)
}

// preview tells what an event of the liar with these parents would be.
func (l *liar) preview(parents []event.Parent) consensus.Preview {
	ids := make([]event.ID, len(parents))
	for i := range parents {
		ids[i] = parents[i].ID
	}
	return l.driver.Engine().Preview(l.index, ids)
}

// show implements scheme.
func (q *equivocator) show(l *liar, e *event.Event, to int) *event.Event {
	if q.second != nil && e.Creator == l.index && e.Seq >= q.start && q.branch[e.ID()] != q.sides[to] {
		return nil
	}
	return e
}

// atFirst forks at the very first event, and never again.
func atFirst(_ *liar, e *event.Event) bool { return e.Seq == 1 }

// atWitness forks at witnesses.
func atWitness(l *liar, e *event.Event) bool { return l.isWitness(e) && l.w.chance(0.7) }

// atVote forks at witnesses that vote in the running election.
func atVote(l *liar, e *event.Event) bool {
	return l.isWitness(e) && l.roundOf(e) > int64(l.driver.Engine().Pending())
}

// bomber makes events that start from any of its late ones, many at a time, and shows each to some.
type bomber struct {
	open
	late []*event.Event // the latest own and forged ones
}

// made implements scheme.
func (b *bomber) made(l *liar, e *event.Event) {
	b.late = append(b.late, e)
	if len(b.late) > 4*memory {
		b.late = b.late[1:]
	}
	if l.w.chance(0.5) {
		return
	}
	for range 1 + l.w.rng.IntN(6) {
		self := pick(l.w.rng, b.late...)
		if l.w.chance(0.1) {
			self = nil
		}
		f := l.forge(e, func(f *event.Event) { follow(f, self); l.sayElse(f) })
		if l.w.chance(0.5) {
			l.adopt(f)
			b.late = append(b.late, f)
		}
		share := pick(l.w.rng, 0.3, 0.6, 1)
		l.tellAll(func(int) bool { return l.w.chance(share) }, f)
	}
}
