package consensus

import "github.com/foxmq/foxmq/internal/event"

// Engine is one member's consensus.
//
// It keeps two things. The window holds every event that is not ancient, to know what it has. The slab holds a
// vertex for those which still count: the events that are not ordered yet, and the judges of the last decided
// round, from which all else is reckoned. An event that is ordered needs no vertex, for its ancestors are ordered
// too, so no walk through the graph has to pass it.
type Engine struct {
	cfg    Config
	quorum int

	window []*event.Event // not ancient, in the order of insertion
	held   map[event.ID]holding
	tips   [][]*event.Event // of the window, by creator, one a branch

	slab
	active []handle // the vertices in use, in the order of insertion

	pending  uint64     // the round being elected; those below it are decided
	judges   []event.ID // of the round before it, by creator
	births   []uint64   // least birth round of the judges of each round kept, the last of them pending − 1
	ancient  uint64     // events with a birth round below this are ancient
	last     int64      // consensus time of the last transaction, ns since 1970
	election election
	err      error

	scratch scratch
}

// holding is an event in the window and its vertex, none if it needs none any more.
type holding struct {
	event  *event.Event
	vertex handle
}

// scratch is memory that one call leaves to the next. It holds nothing in between.
type scratch struct {
	members []int      // by countThrough
	through []int      // by countThrough, for each of members
	voters  []int32    // by findElectors
	had     []uint64   // by receive: a row for each vertex
	set     []received // by receive
}

// New returns an engine that knows no event.
func New(cfg Config) *Engine {
	if cfg.CoinPeriod == 0 {
		cfg.CoinPeriod = DefaultCoinPeriod
	}
	cfg.CoinPeriod = max(cfg.CoinPeriod, leastCoinPeriod)
	if cfg.RoundsKept == 0 {
		cfg.RoundsKept = DefaultRoundsKept
	}
	e := &Engine{
		cfg:     cfg,
		quorum:  supermajority(cfg),
		held:    map[event.ID]holding{},
		tips:    make([][]*event.Event, cfg.Members),
		slab:    newSlab(cfg.Members),
		pending: 1,
		ancient: 1,
	}
	e.election.first = make([][]int32, cfg.Members)
	e.election.reset(1)
	return e
}

// supermajority is how many members are more than two thirds of all.
func supermajority(cfg Config) int {
	if cfg.Mutation == TwoThirdsNotMore {
		return (2*cfg.Members + 2) / 3
	}
	return 2*cfg.Members/3 + 1
}

// Insert adds a sealed event, each of whose parents was inserted, or is ancient, or claims to be, and returns the
// rounds that it decided, in order. An event that is known or ancient changes nothing. The engine keeps a
// reference to the event until it is ancient.
func (e *Engine) Insert(ev *event.Event) []Round {
	if ev.Creator >= e.cfg.Members || ev.BirthRound < e.ancient || e.Get(ev.ID()) != nil {
		return nil
	}
	h := e.add(ev)
	e.settle(h)
	e.enroll(h)
	return e.advance()
}

// Resume returns the rounds that are decided by what a restored engine knows already, in order: those which one event
// decided together with the round of the snapshot.
func (e *Engine) Resume() []Round { return e.advance() }

// advance decides rounds for as long as what is known decides one.
func (e *Engine) advance() []Round {
	var decided []Round
	for e.err == nil && e.election.decided() {
		judges := e.electJudges()
		if len(judges) < e.quorum {
			e.err = ErrJudges
			break
		}
		decided = append(decided, e.decide(judges))
	}
	return decided
}

// decide orders what the judges of the pending round have in common and goes over to the next round.
func (e *Engine) decide(judges []handle) Round {
	r := Round{Number: e.pending, Judges: e.ids(judges)}
	r.Events = e.order(e.receive(judges), r.Judges)
	e.pending++
	e.install(judges)
	e.births = append(e.births, e.leastBirth(judges))
	r.Stale = e.age()
	r.Ancient = e.ancient
	e.recompute()
	if every := e.cfg.SnapshotEvery; every > 0 && r.Number%every == 0 {
		s := e.Snapshot()
		r.Snapshot = &s
	}
	return r
}

// install makes these the judges of the last decided round.
func (e *Engine) install(judges []handle) {
	for _, h := range e.active {
		e.vertices[h].judge = false
	}
	for _, h := range judges {
		e.vertices[h].judge = true
	}
	e.judges = e.ids(judges)
}

func (e *Engine) ids(list []handle) []event.ID {
	ids := make([]event.ID, len(list))
	for i, h := range list {
		ids[i] = e.vertices[h].event.ID()
	}
	return ids
}

// Pending returns the round that is being elected: the latest decided one + 1.
func (e *Engine) Pending() uint64 { return e.pending }

// Ancient returns the threshold below which a birth round is ancient.
func (e *Engine) Ancient() uint64 { return e.ancient }

// Err returns why ordering stopped for good, or nil. Events can still be inserted, but no round is decided.
func (e *Engine) Err() error { return e.err }

// Get returns an event that was inserted and is not ancient, or nil.
func (e *Engine) Get(id event.ID) *event.Event { return e.held[id].event }

// Ordered reports whether the event is held and was ordered.
func (e *Engine) Ordered(id event.ID) bool {
	h, ok := e.held[id]
	return ok && (h.vertex == 0 || e.vertices[h.vertex].ordered)
}

// RoundOf returns an event's round, as it counts for the round being elected; NegInf also if it is unknown.
func (e *Engine) RoundOf(id event.ID) int64 { return e.vertices[e.held[id].vertex].round }

// Witness reports whether the event is a witness.
func (e *Engine) Witness(id event.ID) bool { return e.witness(e.held[id].vertex) }
