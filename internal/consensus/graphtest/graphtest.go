// Package graphtest makes random hashgraphs for tests: what correct members build over slow and lossy links, and
// what faulty ones, up to f and beyond, do to them. One seed gives one graph, everywhere and always.
package graphtest

import (
	"math/rand/v2"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// View is a node's consensus, as far as a graph's making depends on it: a correct member makes its events in the
// round that it knows to be pending.
type View interface {
	Insert(ev *event.Event) []consensus.Round
	Pending() uint64
	Ancient() uint64
}

// Open makes the view of a node that knows no event yet.
type Open func(members, coinPeriod, roundsKept int) View

// Graph is one hashgraph and the parameters to run it with.
type Graph struct {
	Seed       uint64
	Kind       string
	Members    int
	CoinPeriod int
	RoundsKept int
	Faulty     int            // members that fork, or lie about what an event's makers must not lie about
	Events     []*event.Event // in an order in which a node may insert them
}

// Random makes the graph of a seed.
func Random(seed uint64, open Open) *Graph {
	rng := rand.New(rand.NewPCG(seed, 0x9a7f))
	p := draw(rng, seed)
	w := newWorld(p, rng, open)
	w.run()
	return &Graph{
		Seed: seed, Kind: p.kind, Members: p.members, CoinPeriod: p.coinPeriod, RoundsKept: p.roundsKept,
		Faulty: p.faulty, Events: w.order,
	}
}

// Sound reports whether at most f members are faulty, so that all promises hold.
func (g *Graph) Sound() bool { return g.Faulty <= (g.Members-1)/3 }

// Shuffle hands the graph's events to the view of a node to which they come in another order, each up to disorder
// places late, and returns the rounds that it decides.
func (g *Graph) Shuffle(seed uint64, disorder int, view View) []consensus.Round {
	return g.ShuffleInto(NewIntake(view), seed, disorder)
}

// ShuffleInto does the same before an intake that may have been offered some events.
func (g *Graph) ShuffleInto(in *Intake, seed uint64, disorder int) []consensus.Round {
	rng := rand.New(rand.NewPCG(g.Seed, seed))
	late := make([][]*event.Event, len(g.Events)+disorder+1)
	for i, ev := range g.Events {
		at := i + rng.IntN(disorder+1)
		late[at] = append(late[at], ev)
	}
	var rounds []consensus.Round
	for _, events := range late {
		for _, i := range rng.Perm(len(events)) {
			_, decided := in.Offer(events[i])
			rounds = append(rounds, decided...)
		}
	}
	return rounds
}

// Intake holds events back until a node may insert them: until their parents are inserted or ancient, and their
// birth round has come. In short, what the driver does.
type Intake struct {
	view    View
	known   map[event.ID]bool
	waiting []*event.Event
}

// NewIntake returns an intake before a view.
func NewIntake(view View) *Intake { return &Intake{view: view, known: map[event.ID]bool{}} }

// Offer takes an event and returns all that could be inserted now, in order, with the rounds that they decided.
func (in *Intake) Offer(ev *event.Event) (inserted []*event.Event, decided []consensus.Round) {
	in.waiting = append(in.waiting, ev)
	for i := 0; i < len(in.waiting); {
		w := in.waiting[i]
		if !in.ready(w) {
			i++
			continue
		}
		in.waiting = append(in.waiting[:i], in.waiting[i+1:]...)
		in.known[w.ID()] = true
		decided = append(decided, in.view.Insert(w)...)
		inserted = append(inserted, w)
		i = 0 // those before it may have waited for it
	}
	return inserted, decided
}

func (in *Intake) ready(ev *event.Event) bool {
	if ev.BirthRound > in.view.Pending() {
		return false
	}
	for _, p := range ev.Parents {
		if !in.known[p.ID] && p.BirthRound >= in.view.Ancient() {
			return false
		}
	}
	return true
}
