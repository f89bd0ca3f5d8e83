package consensus

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// add puts an event into the window and gives it a vertex with its links.
func (e *Engine) add(ev *event.Event) handle {
	h := e.alloc()
	e.vertices[h] = vertex{event: ev, creator: ev.Creator, birth: ev.BirthRound}
	for i := range ev.Parents {
		if p := e.parent(ev, &ev.Parents[i]); p.vertex != 0 {
			e.addParent(h, p.vertex)
			e.vertices[h].depth = max(e.vertices[h].depth, e.vertices[p.vertex].depth+1)
		}
	}
	e.active = append(e.active, h)
	e.window = append(e.window, ev)
	e.held[ev.ID()] = holding{ev, h}
	e.addTip(ev)
	return h
}

// parent returns the parent that an event claims, if it is held and all that the event claims it to be.
func (e *Engine) parent(child *event.Event, claim *event.Parent) holding {
	if p := e.held[claim.ID]; linked(p.event, child, claim) {
		return p
	}
	return holding{}
}

// linked reports whether p, the event with the ID that the child claims of a parent, or nil, is all else that it
// claims.
func linked(p, child *event.Event, claim *event.Parent) bool {
	if p == nil || p.Creator != claim.Creator || p.Seq != claim.Seq || p.BirthRound != claim.BirthRound {
		return false
	}
	return claim.Creator != child.Creator || p.Time < child.Time
}

// addTip makes an event a tip in place of its self-parent.
func (e *Engine) addTip(ev *event.Event) {
	tips := e.tips[ev.Creator]
	if sp := ev.SelfParent(); sp != nil {
		before := e.parent(ev, sp).event
		tips = slices.DeleteFunc(tips, func(t *event.Event) bool { return t == before })
	}
	e.tips[ev.Creator] = append(tips, ev)
}

// Tips returns the ends of a creator's branches among the events that are not ancient, by ascending sequence
// number, then by ID.
func (e *Engine) Tips(creator int) []event.Tip {
	tips := make([]event.Tip, len(e.tips[creator]))
	for i, t := range e.tips[creator] {
		tips[i] = event.Tip{Creator: creator, Seq: t.Seq, ID: t.ID()}
	}
	slices.SortFunc(tips, func(a, b event.Tip) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return tips
}

// Branches returns the number of those tips: more than one if the creator forked.
func (e *Engine) Branches(creator int) int { return len(e.tips[creator]) }

// leastBirth returns the least birth round of vertices, of which there is one at least.
func (e *Engine) leastBirth(list []handle) uint64 {
	least := e.vertices[list[0]].birth
	for _, h := range list {
		least = min(least, e.vertices[h].birth)
	}
	return least
}

// age raises the ancient threshold to what the rounds kept say, and lets the events below it go. It returns those
// of them that were not ordered. The threshold never falls: a judge descends from a judge of the round before it,
// and no event's birth round is below a parent's.
func (e *Engine) age() (stale []*event.Event) {
	if extra := len(e.births) - e.cfg.RoundsKept; extra > 0 {
		e.births = slices.Delete(e.births, 0, extra)
	}
	if e.births[0] <= e.ancient {
		return nil
	}
	e.ancient = e.births[0]
	old := func(ev *event.Event) bool { return ev.BirthRound < e.ancient }
	for _, ev := range e.window {
		if !old(ev) {
			continue
		}
		if h := e.held[ev.ID()].vertex; h != 0 && !e.vertices[h].ordered {
			stale = append(stale, ev)
		}
		delete(e.held, ev.ID())
	}
	e.window = slices.DeleteFunc(e.window, old)
	for m := range e.tips {
		e.tips[m] = slices.DeleteFunc(e.tips[m], old)
	}
	return stale
}
