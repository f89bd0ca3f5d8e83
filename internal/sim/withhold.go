package sim

import "github.com/foxmq/foxmq/internal/event"

// withholder keeps its witnesses, and what follows them, to itself until it has heard a witness lead rounds above:
// with 1 its vote comes when others have been cast, with 2 it is a late witness, which some know when the first
// witness of that round reaches them and some do not.
type withholder struct {
	lead  int64
	half  bool           // what is withheld comes out at one half of the members only
	held  []*event.Event // own events not shown yet
	round int64          // of the first of them
}

// forGood is a lead that nobody has.
const forGood = 1 << 40

// made implements scheme.
func (h *withholder) made(l *liar, e *event.Event) {
	if len(h.held) == 0 {
		if !l.isWitness(e) {
			return
		}
		h.round = l.roundOf(e)
	}
	h.held = append(h.held, e)
}

// heard implements scheme.
func (h *withholder) heard(l *liar, e *event.Event) {
	if len(h.held) == 0 || l.roundOf(e) < h.round+h.lead || !l.isWitness(e) {
		return
	}
	chosen := everyone
	if h.half {
		sides := l.toss()
		chosen = func(to int) bool { return sides[to] }
	}
	l.tellAll(chosen, h.held...)
	h.held = nil
}

// show implements scheme.
func (h *withholder) show(l *liar, e *event.Event, _ int) *event.Event {
	if len(h.held) > 0 && e.Creator == l.index && e.Seq >= h.held[0].Seq {
		return nil
	}
	return e
}

// confider shows what it makes to one member only, another one every so often.
type confider struct {
	open
	confidant int
}

// made implements scheme.
func (c *confider) made(l *liar, _ *event.Event) {
	if c.confidant == l.index || l.w.chance(0.05) {
		c.confidant = (l.index + 1 + l.w.rng.IntN(len(l.w.members)-1)) % len(l.w.members)
	}
}

// show implements scheme.
func (c *confider) show(l *liar, e *event.Event, to int) *event.Event {
	if e.Creator == l.index && to != c.confidant {
		return nil
	}
	return e
}

// signer gives every member another signature of the same event.
type signer struct{ open }

// show implements scheme.
func (signer) show(l *liar, e *event.Event, to int) *event.Event {
	if e.Creator != l.index {
		return e
	}
	other := *e
	other.Signature[0] = byte(37 * to)
	return &other
}
