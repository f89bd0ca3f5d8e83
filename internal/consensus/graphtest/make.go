package graphtest

import (
	"encoding/binary"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// epoch is the time of the first step, ns.
const epoch = 1_000_000_000_000

// create makes the next event of a member.
func (w *world) create(n *node) *event.Event {
	ev := &event.Event{Creator: n.creator, Seq: 1, BirthRound: n.view.Pending(), Coin: byte(w.rng.Uint32())}
	if sp := w.selfParent(n); sp != nil {
		ev.Seq = sp.Seq + 1
		ev.Parents = append(ev.Parents, claim(sp))
	}
	for _, p := range w.otherParents(n) {
		ev.Parents = append(ev.Parents, claim(p))
	}
	for _, p := range ev.Parents {
		ev.BirthRound = max(ev.BirthRound, p.BirthRound)
	}
	ev.Time = w.stamp(n)
	ev.Payload = w.payload()
	if n.faulty {
		w.lie(n, ev)
	}
	if err := ev.Seal(domain); err != nil {
		panic("graphtest: " + err.Error()) // every plan makes events of a valid shape
	}
	for i := range ev.Signature { // consensus verifies none, and must not look at any
		ev.Signature[i] = byte(w.rng.Uint32())
	}
	n.own = append(n.own, ev)
	return ev
}

func claim(p *event.Event) event.Parent {
	return event.Parent{Creator: p.Creator, Seq: p.Seq, BirthRound: p.BirthRound, ID: p.ID()}
}

// selfParent is the event to go on from, nil to start anew. A faulty member may start a branch, even from nothing.
func (w *world) selfParent(n *node) *event.Event {
	if len(n.own) == 0 {
		return nil
	}
	tips := n.tips[n.creator]
	if n.faulty && len(tips) < w.branches && w.rng.Float64() < w.fork {
		if at := len(n.own) - 1 - w.rng.IntN(w.deep+1); at >= 0 {
			return n.own[at]
		}
		return nil
	}
	if len(tips) == 0 {
		return n.own[len(n.own)-1] // its newest waits for something, or went ancient
	}
	return tips[w.rng.IntN(len(tips))]
}

// otherParents draws from the tips that the member knows, one a creator.
func (w *world) otherParents(n *node) []*event.Event {
	share := w.fewest + (1-w.fewest)*w.rng.Float64()
	lone := w.rng.Float64() < w.lone
	half := w.rng.Float64() < w.halves
	var parents []*event.Event
	for _, c := range w.rng.Perm(w.members) {
		tips := n.tips[c]
		if c == n.creator || len(tips) == 0 || w.rng.Float64() >= share || half && c%2 != n.creator%2 {
			continue
		}
		parents = append(parents, tips[w.rng.IntN(len(tips))])
		if lone {
			break
		}
	}
	slices.SortFunc(parents, func(a, b *event.Event) int { return a.Creator - b.Creator })
	return parents
}

// stamp reads the member's clock.
func (w *world) stamp(n *node) int64 {
	now := epoch + int64(w.step)*w.clock + n.skew
	if n.frozen {
		now = epoch
	}
	n.last = max(n.last+1, now)
	return n.last
}

// payload draws up to three transactions, mostly none.
func (w *world) payload() (payload []byte) {
	for range max(0, w.rng.IntN(6)-2) {
		payload = event.AppendTransaction(payload, binary.BigEndian.AppendUint32(nil, w.rng.Uint32()))
	}
	return payload
}

// lie changes what a correct member would say, within what the shape of an event allows.
func (w *world) lie(n *node, ev *event.Event) {
	if w.rng.Float64() < w.misdate {
		w.misdateEvent(ev)
	}
	if w.rng.Float64() < w.fabricate && len(ev.Parents) > 0 {
		w.fabricateParent(n, ev)
	}
}

// fabricateParent makes a claim about a parent untrue, so that no link exists.
func (w *world) fabricateParent(n *node, ev *event.Event) {
	p := &ev.Parents[w.rng.IntN(len(ev.Parents))]
	own := ev.Seq > 1 && p == &ev.Parents[0]
	switch w.rng.IntN(5) {
	case 0: // a sequence number that is not the parent's
		p.Seq++
		if own {
			ev.Seq++
		}
	case 1: // a birth round that is not the parent's
		p.BirthRound = 1 + w.rng.Uint64N(ev.BirthRound)
	case 2: // a time that is not after the self-parent's
		ev.Time -= w.rng.Int64N(ev.Time - epoch + 1)
	case 3: // a parent that does not exist, long ago
		if ancient := n.view.Ancient(); ancient > 1 {
			p.ID[0]++
			p.BirthRound = 1 + w.rng.Uint64N(ancient-1)
		}
	case 4: // another creator's event
		p.ID = ev.Parents[w.rng.IntN(len(ev.Parents))].ID
	}
}

// misdateEvent draws a birth round from the lowest that the parents allow to two beyond the pending one.
func (w *world) misdateEvent(ev *event.Event) {
	least := uint64(1)
	for _, p := range ev.Parents {
		least = max(least, p.BirthRound)
	}
	ev.BirthRound = least
	if w.rng.IntN(2) == 0 {
		ev.BirthRound += w.rng.Uint64N(3)
	}
}
