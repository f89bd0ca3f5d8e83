package sim

import (
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// puppet is a liar whose events are made up rather than made by a driver: it forks, shows different events to
// different members, withholds them, names parents that do not exist or are not what it says, refers to old events,
// and lies about rounds and times.
type puppet struct {
	w     *World
	index int
	own   []*event.Event // all that it has made, on all its branches
	known [][]*event.Event
	held  map[event.ID]*event.Event
	round uint64 // highest birth round seen
	fresh bool   // it has heard something since its last event
}

// memory is how many events of each creator a puppet knows to refer to.
const memory = 12

func newPuppet(w *World, index int) *puppet {
	p := &puppet{
		w:     w,
		index: index,
		known: make([][]*event.Event, w.sc.Members),
		held:  make(map[event.ID]*event.Event),
		round: 1,
	}
	w.after(w.between(0, 20*w.sc.Delay), p.act)
	return p
}

// receive learns events, and answers what is asked. When the load has ended it falls silent: what it withheld until
// then would wake the cluster again and again.
func (p *puppet) receive(from int, m *event.Message) {
	if p.w.ended {
		return
	}
	for _, e := range m.Events {
		if p.held[e.ID()] != nil {
			continue
		}
		p.fresh = true
		p.learn(e)
	}
	if m.Boot && !m.Answer {
		p.w.net.send(p.index, from, &event.Message{Answer: true})
	}
	if len(m.Want) > 0 && p.w.chance(0.7) {
		p.answer(from, m.Want)
	}
}

func (p *puppet) learn(e *event.Event) {
	p.held[e.ID()] = e
	p.round = max(p.round, e.BirthRound)
	list := append(p.known[e.Creator], e)
	if len(list) > memory {
		list = list[1:]
	}
	p.known[e.Creator] = list
}

// answer hands out what is asked for and some of its parents.
func (p *puppet) answer(to int, want []event.ID) {
	var m event.Message
	for _, id := range want {
		if e := p.held[id]; e != nil && len(m.Events) < 32 {
			m.Events = append(m.Events, e)
		}
	}
	p.w.net.send(p.index, to, &m)
}

// act makes events and shows them to some. It speaks only when spoken to, as others do, or the cluster would never
// be idle.
func (p *puppet) act() {
	w := p.w
	if w.ended {
		return
	}
	if p.fresh || len(p.own) == 0 {
		p.fresh = false
		for range 1 + w.rng.IntN(2) {
			p.show(p.invent())
		}
	}
	if w.chance(0.05) && len(p.own) > 0 { // shows late what it withheld
		p.show(pick(w.rng, p.own...))
	}
	w.after(w.between(w.sc.Delay/2, 4*w.sc.Delay), p.act)
}

// show sends an event to a few, half or all of the members.
func (p *puppet) show(e *event.Event) {
	if e == nil {
		return
	}
	share := pick(p.w.rng, 0.2, 0.5, 1, 1)
	for to := range p.w.members {
		if to != p.index && p.w.chance(share) {
			p.w.net.send(p.index, to, &event.Message{Events: []*event.Event{e}})
		}
	}
}

// invent makes up an event; nil if its shape came out wrong.
func (p *puppet) invent() *event.Event {
	w := p.w
	e := &event.Event{Creator: p.index, Seq: 1, BirthRound: p.round, Coin: byte(w.rng.Uint32())}
	if self := p.selfParent(); self != nil {
		e.Seq = self.Seq + 1
		e.Time = self.Time + 1
		e.Parents = append(e.Parents, claimOf(self))
	}
	e.Parents = append(e.Parents, p.otherParents()...)
	for i := range e.Parents {
		e.BirthRound = max(e.BirthRound, e.Parents[i].BirthRound)
	}
	switch {
	case w.chance(0.03):
		e.BirthRound += uint64(w.rng.IntN(20))
	case w.chance(0.5):
		e.BirthRound = lowestBirth(e)
	}
	e.Time = max(e.Time, w.now+w.between(-1e9, 1e9))
	if w.chance(0.03) {
		e.Time = w.rng.Int64N(2 * epoch)
	}
	if w.chance(0.3) {
		e.Payload = event.AppendTransaction(nil, []byte{byte(p.index), 1, 2})
	}
	if e.Seal(event.Domain{}) != nil {
		return nil
	}
	p.own = append(p.own, e)
	p.held[e.ID()] = e
	return e
}

// lowestBirth is the lowest birth round that the event's parents allow.
func lowestBirth(e *event.Event) uint64 {
	round := uint64(1)
	for i := range e.Parents {
		round = max(round, e.Parents[i].BirthRound)
	}
	return round
}

// selfParent chooses the event to go on from: mostly the last, at times an earlier one, which forks, at times none.
func (p *puppet) selfParent() *event.Event {
	switch w := p.w; {
	case len(p.own) == 0 || w.chance(0.03):
		return nil
	case w.chance(0.1):
		return p.own[max(0, len(p.own)-1-w.rng.IntN(memory))]
	}
	return p.own[len(p.own)-1]
}

// otherParents chooses some known events, mostly late ones, and lies about a few.
func (p *puppet) otherParents() []event.Parent {
	w := p.w
	var parents []event.Parent
	share := pick(w.rng, 0.3, 0.7, 1, 1)
	for creator, list := range p.known {
		if creator == p.index || len(list) == 0 || !w.chance(share) {
			continue
		}
		e := list[len(list)-1]
		if w.chance(0.2) {
			e = pick(w.rng, list...)
		}
		c := claimOf(e)
		if w.chance(0.01) {
			c = p.lie(c)
		}
		parents = append(parents, c)
	}
	return slices.Clip(parents)
}

// lie changes what is claimed of a parent, or names one that does not exist.
func (p *puppet) lie(c event.Parent) event.Parent {
	switch p.w.rng.IntN(3) {
	case 0:
		c.Seq++
	case 1:
		c.BirthRound = max(1, c.BirthRound-1)
	case 2:
		c.ID[0]++
	}
	return c
}

func claimOf(e *event.Event) event.Parent {
	return event.Parent{Creator: e.Creator, Seq: e.Seq, BirthRound: e.BirthRound, ID: e.ID()}
}
