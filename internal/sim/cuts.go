package sim

// Cuts is a sort of cut: between which members nothing arrives while it lasts.
type Cuts int

// The sorts of cuts.
const (
	AnyCuts  Cuts = iota // each time another sort
	TwoSides             // members are on one side or the other, by chance
	Halves               // sides are as equal as can be
	OneAlone             // one member is cut off
	OneWay               // single directions between two members
	OneDeaf              // one member is heard and hears nobody
	OneMute              // one member hears everyone and is not heard
	Chain                // each member reaches only those next to it
)

// String implements fmt.Stringer.
func (c Cuts) String() string {
	return [...]string{"any", "two sides", "halves", "one alone", "one way", "one deaf", "one mute", "chain"}[c]
}

// scheduleWeather lets storms and cuts come.
func (w *World) scheduleWeather() {
	if w.sc.Storm {
		w.after(0, w.net.storm)
	}
	if w.sc.Stalemate {
		w.stalemate(0)
	}
	if w.sc.Episodes {
		w.after(w.between(20*w.sc.Delay, 60*w.sc.Delay), w.episode)
	}
}

// episode cuts some links for a while, then comes again.
func (w *World) episode() {
	if w.ended {
		return
	}
	cuts := w.sc.Cuts
	if cuts == AnyCuts {
		cuts = TwoSides + Cuts(w.rng.IntN(int(Chain)))
	}
	w.cutAll(w.severed(cuts))
	if w.rng.IntN(2) == 0 {
		w.tellCuts()
	}
	w.after(w.between(5*w.sc.Delay, 150*w.sc.Delay), func() { w.heal() })
	w.after(w.between(160*w.sc.Delay, 300*w.sc.Delay), w.episode)
}

// severed draws cuts of a sort. What it returns tells whether they keep messages from one member from another.
func (w *World) severed(cuts Cuts) func(from, to int) bool {
	members := w.rng.Perm(w.sc.Members)
	one := members[0]
	at := make([]int, len(members)) // by member: its place among the permuted
	for i, m := range members {
		at[m] = i
	}
	share := len(members) / 2
	if cuts == TwoSides {
		share = w.rng.IntN(len(members))
	}
	odds := w.rng.Float64() / 2
	switch cuts {
	case OneAlone:
		return func(from, to int) bool { return from == one || to == one }
	case OneDeaf:
		return func(_, to int) bool { return to == one }
	case OneMute:
		return func(from, _ int) bool { return from == one }
	case OneWay:
		return func(int, int) bool { return w.chance(odds) }
	case Chain:
		return func(from, to int) bool { return at[from]-at[to] > 1 || at[to]-at[from] > 1 }
	}
	return func(from, to int) bool { return (at[from] < share) != (at[to] < share) }
}

// cutAll cuts the directions of links that are severed.
func (w *World) cutAll(severed func(from, to int) bool) {
	for from := range w.net.cut {
		for to := range w.net.cut {
			w.net.cut[from][to] = from != to && severed(from, to)
		}
	}
}

// tellCuts tells the nodes of links that are cut, as a transport does after a while.
func (w *World) tellCuts() {
	w.eachHost(func(h *host) {
		for p := range w.members {
			if p != h.index && (w.net.cut[h.index][p] || w.net.cut[p][h.index]) {
				h.connect(p, false)
			}
		}
	})
}

// heal ends all cuts.
func (w *World) heal() {
	for i := range w.net.cut {
		clear(w.net.cut[i])
	}
	w.eachHost(func(h *host) {
		for p := range w.members {
			if p != h.index {
				h.connect(p, true)
			}
		}
	})
}
