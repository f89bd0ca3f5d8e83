package sim

// Liars is what a scenario says of members that are not correct. They are the first of the address book: the twins,
// then the puppets.
type Liars struct {
	Twins   int // run two drivers under one name and show each to a part of the cluster
	Puppets int // make events up
}

// liars returns how many members, from the first on, are not correct.
func (l *Liars) liars() int { return l.Twins + l.Puppets }

// liarKinds draw scenarios about liars.
var liarKinds []kind

// splitAudience shows the two halves of the cluster different twins, and later other halves.
func (w *World) splitAudience(a, b *host) {
	if w.ended {
		return
	}
	a.audience, b.audience = make([]bool, w.sc.Members), make([]bool, w.sc.Members)
	for p := range w.members {
		both := w.chance(0.1)
		first := w.chance(0.5)
		a.audience[p] = first || both
		b.audience[p] = !first || both
	}
	w.after(w.between(50*w.sc.Delay, 300*w.sc.Delay), func() { w.splitAudience(a, b) })
}
