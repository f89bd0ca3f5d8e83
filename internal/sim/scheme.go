package sim

import (
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// liar is what makes a node that runs a real driver lie: it looks at all that the driver makes and hears, forges
// events beside or in place of the driver's own, and chooses who gets to see which.
type liar struct {
	*host
	scheme scheme
	forged map[event.ID]bool // what it made up and its driver holds
}

// scheme is how a liar departs from what its driver would do. Its methods are called while the load lasts. Then the
// liar keeps to what its driver says, or what it withheld would wake the cluster again and again.
type scheme interface {
	// made learns of an own event of the driver before anybody else does.
	made(l *liar, e *event.Event)
	// heard learns of any other event that the driver has taken in.
	heard(l *liar, e *event.Event)
	// show returns an event as one peer is to have it, nil if it is not to.
	show(l *liar, e *event.Event, to int) *event.Event
}

// open is what the schemes have in common: they show everything to everyone.
type open struct{}

func (open) made(*liar, *event.Event) {}

func (open) heard(*liar, *event.Event) {}

func (open) show(_ *liar, e *event.Event, _ int) *event.Event { return e }

// newSchemer makes a member that lies by the scheme of this name.
func (w *World) newSchemer(index int, name string) *host {
	h := w.newHost(index)
	h.liar = &liar{host: h, scheme: schemes[name](w), forged: make(map[event.ID]bool)}
	return h
}

// attend lets the scheme know what the driver has taken in and made.
func (l *liar) attend(persist []*event.Event) {
	if l.w.ended {
		return
	}
	for _, e := range persist {
		if e.Creator == l.index && !l.forged[e.ID()] {
			l.scheme.made(l, e)
		} else {
			l.scheme.heard(l, e)
		}
	}
}

// censor returns of a message to a peer what the scheme lets pass, nil if that is nothing.
func (l *liar) censor(to int, m *event.Message) *event.Message {
	if l.w.ended || len(m.Events) == 0 {
		return m
	}
	c := *m
	c.Events = nil
	for _, e := range m.Events {
		if shown := l.scheme.show(l, e, to); shown != nil {
			c.Events = append(c.Events, shown)
		}
	}
	if len(c.Events) == 0 && len(c.Tips) == 0 && len(c.Want) == 0 && !c.Boot && !c.Answer {
		return nil
	}
	return &c
}

// forge makes an event that is like e but for what change does to it; nil if its shape comes out wrong.
func (l *liar) forge(e *event.Event, change func(f *event.Event)) *event.Event {
	f := &event.Event{
		Creator:    e.Creator,
		Seq:        e.Seq,
		BirthRound: e.BirthRound,
		Parents:    slices.Clone(e.Parents),
		Time:       e.Time,
		Coin:       e.Coin,
		Payload:    e.Payload,
	}
	change(f)
	if f.Seal(event.Domain{}) != nil {
		return nil
	}
	return f
}

// sibling makes another event than e in the same place: it says something else.
func (l *liar) sibling(e *event.Event) *event.Event { return l.forge(e, l.sayElse) }

// sayElse gives an event a payload of its own.
func (l *liar) sayElse(f *event.Event) {
	f.Payload = event.AppendTransaction(nil, []byte{byte(l.w.rng.Uint32()), byte(l.w.rng.Uint32())})
}

// follow makes an event the self-child of another, or a first event if that is nil.
func follow(f, self *event.Event) {
	if f.Seq > 1 {
		f.Parents = f.Parents[1:]
	}
	f.Seq = 1
	if self != nil {
		f.Seq = self.Seq + 1
		f.Parents = append([]event.Parent{claimOf(self)}, f.Parents...)
		f.Time = max(f.Time, self.Time+1)
		f.BirthRound = max(f.BirthRound, self.BirthRound)
	}
}

// adopt has the driver take in forged events as if it had heard of them, so that it can hand them out.
func (l *liar) adopt(events ...*event.Event) {
	for _, e := range events {
		l.forged[e.ID()] = true
	}
	l.w.after(0, func() {
		if !l.crashed {
			l.receive(l.index, &event.Message{Events: events})
		}
	})
}

// tell sends events to one member, past the scheme.
func (l *liar) tell(to int, events ...*event.Event) {
	if to != l.index && len(events) > 0 {
		l.w.net.send(l.index, to, &event.Message{Events: events})
	}
}

// tellAll sends events to the members for which choose holds.
func (l *liar) tellAll(choose func(to int) bool, events ...*event.Event) {
	for to := range l.w.members {
		if choose(to) {
			l.tell(to, events...)
		}
	}
}

func everyone(int) bool { return true }

// toss returns for each member the side of a coin, at least one of the others on each side.
func (l *liar) toss() []bool {
	sides := make([]bool, len(l.w.members))
	for i := range sides {
		sides[i] = l.w.chance(0.5)
	}
	n := len(sides)
	if n > 2 {
		first := (l.index + 1 + l.w.rng.IntN(n-1)) % n
		for i := range sides {
			if i != first && i != l.index {
				sides[i] = !sides[first]
				break
			}
		}
	}
	return sides
}

// isWitness tells whether the driver's engine takes the event for a witness.
func (l *liar) isWitness(e *event.Event) bool { return l.driver.Engine().Witness(e.ID()) }

// roundOf returns the event's round as the driver's engine sees it now.
func (l *liar) roundOf(e *event.Event) int64 { return l.driver.Engine().RoundOf(e.ID()) }
