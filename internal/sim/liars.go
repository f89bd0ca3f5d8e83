package sim

import "math/rand/v2"

// Liars is what a scenario says of members that are not correct. They are the first of the address book: the twins,
// then the puppets, then the schemers.
type Liars struct {
	Twins    int    // run two drivers under one name and show each to a part of the cluster
	Puppets  int    // make events up
	Schemers int    // run a driver and twist what it makes and sends
	Scheme   string // by which they do
}

// liars returns how many members, from the first on, are not correct.
func (l *Liars) liars() int { return l.Twins + l.Puppets + l.Schemers }

// schemes make what a liar does by its name.
var schemes = map[string]func(w *World) scheme{
	"fork at first":   func(*World) scheme { return &equivocator{begins: atFirst} },
	"fork at witness": func(*World) scheme { return &equivocator{begins: atWitness} },
	"fork at vote":    func(*World) scheme { return &equivocator{begins: atVote, differ: true} },
	"fork bomb":       func(*World) scheme { return &bomber{} },
	"silent":          func(*World) scheme { return &withholder{lead: forGood} },
	"late vote":       func(w *World) scheme { return &withholder{lead: 1, half: w.chance(0.5)} },
	"late witness":    func(w *World) scheme { return &withholder{lead: 2, half: w.chance(0.5)} },
	"one peer":        func(*World) scheme { return &confider{} },
	"signatures":      func(*World) scheme { return signer{} },
	"fabricate":       func(*World) scheme { return &mask{twist: fabricate} },
	"births":          func(*World) scheme { return &mask{twist: misdate} },
	"times":           func(w *World) scheme { return &mask{twist: lieAboutTime(w)} },
	"coins":           func(*World) scheme { return newContrarian() },
	"orphans":         func(*World) scheme { return &flooder{spoil: orphan} },
	"futures":         func(*World) scheme { return &flooder{spoil: fromFuture} },
	"collusion":       func(*World) scheme { return &colluder{} },
}

// mixable are the schemes that go with any other fault.
var mixable = []string{
	"fork at first", "fork at witness", "fork at vote", "fork bomb", "silent", "late vote", "late witness", "one peer",
	"signatures", "fabricate", "births", "times", "coins", "orphans", "futures",
}

// liarKinds draw scenarios about liars.
var liarKinds = []kind{
	{"fork at first", 2, schemers("fork at first")},
	{"fork at witness", 3, schemers("fork at witness")},
	{"fork at vote", 3, schemers("fork at vote")},
	{"fork bomb", 2, schemers("fork bomb")},
	{"silent liar", 1, schemers("silent")},
	{"late vote", 2, schemers("late vote")},
	{"late witness", 2, schemers("late witness")},
	{"one peer", 2, schemers("one peer")},
	{"signatures", 1, schemers("signatures")},
	{"fabricate", 2, schemers("fabricate")},
	{"births", 2, schemers("births")},
	{"false times", 2, schemers("times")},
	{"false coins", 2, prolonged("coins")},
	{"orphans", 1, schemers("orphans")},
	{"futures", 1, schemers("futures")},
	{"collusion", 1, colluding},
	{"stalemate", 3, stalled},
	{"split votes", 2, prolonged("fork at vote")},
}

// schemers draws a cluster of which as many as may are liars by one scheme: mostly one of four, at times two of
// seven. Links, partitions and clocks may be bad, too.
func schemers(scheme string) func(s *Scenario, r *rand.Rand) {
	return func(s *Scenario, r *rand.Rand) {
		s.Members = pick(r, 4, 4, 4, 4, 5, 6, 7)
		s.Schemers, s.Scheme = faults(s.Members), scheme
		s.randomNetwork(r)
		s.Gap = 3 * s.Delay
		s.Episodes = r.IntN(4) == 0
		s.Storm = r.IntN(4) == 0
		s.Skew = pick[int64](r, 0, 10e6)
	}
}

// colluding draws two liars of seven that act as one.
func colluding(s *Scenario, r *rand.Rand) {
	schemers("collusion")(s, r)
	s.Members, s.Schemers = 7, 2
}

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
