package sim

import "github.com/foxmq/foxmq/internal/event"

// flooder makes, beside what its driver makes, events that nobody can take in.
type flooder struct {
	open
	spoil func(l *liar, f *event.Event)
}

// flood is how many such events come with each own one.
const flood = 10

// made implements scheme.
func (d *flooder) made(l *liar, e *event.Event) {
	events := make([]*event.Event, 0, flood)
	for range flood {
		f := l.forge(e, func(f *event.Event) { d.spoil(l, f); l.sayElse(f) })
		if f != nil {
			events = append(events, f)
		}
	}
	l.tellAll(everyone, events...)
}

// orphan gives an event a parent that nobody has.
func orphan(l *liar, f *event.Event) {
	if len(f.Parents) > 0 {
		p := &f.Parents[l.w.rng.IntN(len(f.Parents))]
		p.ID[l.w.rng.IntN(len(p.ID))] ^= byte(1 + l.w.rng.IntN(255))
		p.BirthRound = f.BirthRound
	}
}

// fromFuture gives an event a birth round far ahead.
func fromFuture(l *liar, f *event.Event) { f.BirthRound += 1 + l.w.rng.Uint64N(1<<20) }
