package sim

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/literal"
	"github.com/foxmq/foxmq/internal/event"
)

const (
	// oracleEvery says which seeds are held against the literal definitions: those that it divides.
	oracleEvery = 20
	// oracleMembers is up to how many members that is done: the definitions, computed anew for every event, take
	// a time that grows with the square of the graph.
	oracleMembers = 7
	// oracleEvents bounds the graph for the same reason; of four members it is mostly the whole run.
	oracleEvents = 1500
	// shuffleEvery says in which seeds a node's graph is taken in once more in another order.
	shuffleEvery = 5
)

// secondOpinions takes the graph that one correct node has built, and asks others what they make of it.
func (w *World) secondOpinions() {
	l := w.witness()
	if l == nil || w.check.failure != nil {
		return
	}
	if w.sc.Seed%oracleEvery == 0 && w.sc.Members <= oracleMembers {
		w.askOracle(l.events)
	}
	if w.sc.Seed%shuffleEvery == 0 {
		w.shuffle(l)
	}
}

// witness is a correct node that saw the whole run.
func (w *World) witness() *log {
	for _, l := range w.check.logs {
		if !l.host.crashed && l.host.started && !l.forgot {
			return l
		}
	}
	return nil
}

func (w *World) engine() *consensus.Engine {
	return consensus.New(consensus.Config{Members: w.sc.Members, Mutation: w.sc.Mutation})
}

// askOracle compares the engine with the literal definitions, event by event, from the first on.
func (w *World) askOracle(events []*event.Event) {
	fast := w.engine()
	slow := literal.New(w.sc.Members, consensus.DefaultCoinPeriod, consensus.DefaultRoundsKept)
	slow.Check()
	var f, s event.ID // digests of what they ordered
	for i, e := range events[:min(len(events), oracleEvents)] {
		f, s = insert(fast, e, f), insert(slow, e, s)
		if err := slow.Violation(); err != nil {
			w.check.fail(FastIsLiteral, "event %d, %v: %v", i, e.ID(), err)
		}
		if f != s || fast.Pending() != slow.Pending() {
			w.check.fail(FastIsLiteral, "after event %d, %v, the engine decided up to %d, the definitions up to %d",
				i, e.ID(), fast.Pending()-1, slow.Pending()-1)
		}
		w.compareRounds(fast, slow, events[max(0, i-oracleRecent):i+1])
		if w.check.failure != nil {
			return
		}
	}
}

// oracleRecent is for how many events their rounds are compared whenever there is a new one.
const oracleRecent = 100

func (w *World) compareRounds(fast *consensus.Engine, slow *literal.Oracle, events []*event.Event) {
	for _, e := range events {
		id := e.ID()
		if fast.RoundOf(id) != slow.RoundOf(id) || fast.Witness(id) != slow.Witness(id) {
			w.check.fail(FastIsLiteral, "to the engine %v is of round %d, a witness %t; by the definitions %d, %t",
				id, fast.RoundOf(id), fast.Witness(id), slow.RoundOf(id), slow.Witness(id))
		}
	}
}

// inserter is an engine, fast or literal.
type inserter interface {
	Insert(e *event.Event) []consensus.Round
}

// insert adds an event and returns the digest of the log with the rounds that it decided.
func insert(in inserter, e *event.Event, digest event.ID) event.ID {
	for _, r := range in.Insert(e) {
		digest = extended(digest, &r)
	}
	return digest
}

// shuffle hands a node's graph to a new engine in another order and compares the two logs.
func (w *World) shuffle(l *log) {
	s := newShuffler(l.events, w.engine(), rand.New(rand.NewPCG(w.sc.Seed, 4)))
	var digest event.ID
	rounds := 0
	for e := s.next(); e != nil; e = s.next() {
		for _, r := range s.engine.Insert(e) {
			digest = extended(digest, &r)
			if rounds >= len(w.check.digests) || digest != w.check.digests[rounds] {
				w.check.fail(AnyArrival, "round %d differs", r.Number)
				return
			}
			rounds++
		}
	}
	if rounds < l.rounds {
		w.check.fail(AnyArrival, "%d rounds are decided, not %d", rounds, l.rounds)
	}
}

// shuffler gives a graph's events in a random order in which a driver might take them in: after those that they
// name as parents, unless these claim to be ancient, and none of a round that is not pending yet.
type shuffler struct {
	engine  *consensus.Engine
	rng     *rand.Rand
	given   map[event.ID]bool
	ready   []*event.Event
	waiting map[event.ID][]*event.Event // for a parent
	early   []*event.Event              // for a round
	pending uint64
}

func newShuffler(events []*event.Event, engine *consensus.Engine, rng *rand.Rand) *shuffler {
	s := &shuffler{engine: engine, rng: rng, given: map[event.ID]bool{}, waiting: map[event.ID][]*event.Event{}}
	s.place(events)
	return s
}

// place puts each event where it waits, or among those that are ready.
func (s *shuffler) place(events []*event.Event) {
	for _, e := range events {
		if p := s.missing(e); p != nil {
			s.waiting[p.ID] = append(s.waiting[p.ID], e)
		} else if e.BirthRound > s.engine.Pending() {
			s.early = append(s.early, e)
		} else {
			s.ready = append(s.ready, e)
		}
	}
}

// missing returns a parent that must come before the event, or nil.
func (s *shuffler) missing(e *event.Event) *event.Parent {
	for i := range e.Parents {
		if p := &e.Parents[i]; !s.given[p.ID] && p.BirthRound >= s.engine.Ancient() {
			return p
		}
	}
	return nil
}

// next returns an event to insert next, or nil if none can be.
func (s *shuffler) next() *event.Event {
	if p := s.engine.Pending(); p != s.pending {
		s.pending = p
		s.sweep()
	}
	if len(s.ready) == 0 {
		return nil
	}
	i, last := s.rng.IntN(len(s.ready)), len(s.ready)-1
	e := s.ready[i]
	s.ready[i] = s.ready[last]
	s.ready = s.ready[:last]
	s.given[e.ID()] = true
	children := s.waiting[e.ID()]
	delete(s.waiting, e.ID())
	s.place(children)
	return e
}

// sweep places everything anew after a round was decided: some of it no longer has to wait.
func (s *shuffler) sweep() {
	all := s.early
	for _, id := range slices.SortedFunc(maps.Keys(s.waiting), compareIDs) {
		all = append(all, s.waiting[id]...)
	}
	s.early = nil
	clear(s.waiting)
	s.place(all)
}

func compareIDs(a, b event.ID) int { return bytes.Compare(a[:], b[:]) }
