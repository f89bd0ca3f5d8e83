package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/sim/picture"
)

// Watch is told in words what happens, with the number of the step and the virtual time since the start.
type Watch func(step int, at time.Duration, text string)

// Watch lets somebody follow the run. It must be called before Run, and changes nothing in it.
func (w *World) Watch(f Watch) { w.watch = f }

// Events returns what a member has taken in, in that order; nil if it is not correct.
func (w *World) Events(member int) []*event.Event {
	for _, l := range w.check.logs {
		if l.host.index == member {
			return l.events
		}
	}
	return nil
}

// say tells whoever watches.
func (w *World) say(format string, args ...any) {
	if w.watch != nil {
		w.watch(w.steps, time.Duration(w.now-epoch), fmt.Sprintf(format, args...))
	}
}

// name is what an event is called here. A liar may have made several of a number.
func (w *World) name(e *event.Event) string {
	if e.Creator < w.sc.liars() {
		return fmt.Sprintf("%s~%.4s", picture.EventName(e), e.ID())
	}
	return picture.EventName(e)
}

func (w *World) names(events []*event.Event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(" " + w.name(e))
	}
	return b.String()
}

// watchMessage tells of a message that arrives.
func (w *World) watchMessage(from, to int, m *event.Message) {
	if w.watch == nil {
		return
	}
	text := w.names(m.Events)
	if len(m.Want) > 0 {
		text += fmt.Sprintf(", asks for %d", len(m.Want))
	}
	if len(m.Tips) > 0 {
		text += fmt.Sprintf(", tells %d tips", len(m.Tips))
	}
	if m.Boot && !m.Answer {
		text += ", asks for its own last event"
	}
	w.say("%s -> %s:%s", picture.Name(from), picture.Name(to), text)
}

// watchReady tells of what a node has made, taken in and decided.
func (w *World) watchReady(h *host, r *driver.Ready) {
	if w.watch == nil {
		return
	}
	var others []*event.Event
	for _, e := range r.Persist {
		if e.Creator != h.index {
			others = append(others, e)
			continue
		}
		w.say("  %s makes %s, %s, on%s, with %d transactions", picture.Name(h.index), w.name(e),
			rank(h.driver.Engine(), e), w.parents(e), e.Transactions())
	}
	if len(others) > 0 {
		w.say("  %s takes in%s", picture.Name(h.index), w.names(others))
	}
	for i := range r.Ordered {
		w.watchRound(h, &r.Ordered[i])
	}
}

// rank tells an event's round and whether it is a witness.
func rank(engine *consensus.Engine, e *event.Event) string {
	round := engine.RoundOf(e.ID())
	switch {
	case round == consensus.NegInf:
		return "of no round"
	case engine.Witness(e.ID()):
		return fmt.Sprintf("a witness of round %d", round)
	}
	return fmt.Sprintf("of round %d", round)
}

func (w *World) parents(e *event.Event) string {
	var b strings.Builder
	for _, p := range e.Parents {
		fmt.Fprintf(&b, " %s%d", picture.Name(p.Creator), p.Seq)
	}
	return b.String()
}

func (w *World) watchRound(h *host, r *consensus.Round) {
	var judges, ordered []*event.Event
	for _, id := range r.Judges {
		if f := w.check.events[id]; f != nil {
			judges = append(judges, f.event)
		}
	}
	for _, o := range r.Events {
		ordered = append(ordered, o.Event)
	}
	w.say("  %s decides round %d: judges%s; orders%s; stale%s; ancient below %d", picture.Name(h.index), r.Number,
		w.names(judges), w.names(ordered), w.names(r.Stale), r.Ancient)
}

// watchCuts tells which directions of links are cut, when they have changed.
func (w *World) watchCuts() {
	if w.watch == nil {
		return
	}
	var cuts []string
	for from, row := range w.net.cut {
		for to, cut := range row {
			if cut {
				cuts = append(cuts, picture.Name(from)+">"+picture.Name(to))
			}
		}
	}
	if slices.Equal(cuts, w.cuts) {
		return
	}
	w.cuts = cuts
	w.say("cut: %s", strings.Join(cuts, " "))
}
