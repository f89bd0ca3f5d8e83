package sim

import (
	"fmt"
	"time"

	"github.com/foxmq/foxmq/internal/event"
)

// Invariant is something that must hold in every run with at most f liars. A run that breaks it ends with its name.
type Invariant struct {
	Number  int // that of the promise that it is part of, as docs/consensus-testing.md lists them
	Name    string
	Promise string
}

// The names of the invariants.
const (
	Agreement         = "agreement"
	RoundsInOrder     = "rounds in order"
	FastIsLiteral     = "fast equals literal"
	AnyArrival        = "any order of arrival"
	RoundsRise        = "rounds rise"
	FameHolds         = "fame never flips"
	EnoughJudges      = "judges"
	FullTally         = "full tally"
	OneBranch         = "one branch strongly seen"
	ParentFirst       = "parent before child"
	TimesIncrease     = "times increase"
	TimeInRange       = "time in range"
	OrderedOnce       = "ordered once"
	OrderedIsHeld     = "ordered is held"
	StaleNotOrdered   = "stale is never ordered"
	EffectOnce        = "effect once"
	StateFollowsLog   = "state follows the log"
	StaleIsHeld       = "stale is held"
	AncientRises      = "ancient only rises"
	RestoredAlike     = "restored goes on alike"
	AnchorsAgree      = "anchors agree"
	NoBranch          = "no branch"
	TakenInOnce       = "taken in once"
	PersistBeforeSend = "persist before send"
	Incarnation       = "incarnation"
	BoundedMemory     = "memory"
	LogHolds          = "log holds"
	OneTrace          = "one trace"
	Liveness          = "liveness"
	Idle              = "idle"
	NoPanic           = "no panic"
)

// Invariants lists all of them. Those numbered 0 are the conduct of one node, on which others rest.
var Invariants = []Invariant{
	{1, Agreement, "what correct nodes order, with times and judges, are prefixes of one log"},
	{1, RoundsInOrder, "rounds are decided one after the other"},
	{2, FastIsLiteral, "the engine says what the definitions, computed anew, say"},
	{3, AnyArrival, "one graph, in whichever order its events come, gives one log"},
	{4, RoundsRise, "an event's round is not below those of its parents"},
	{5, FameHolds, "a candidate decided by any node in one way is decided by none in the other"},
	{6, EnoughJudges, "a round has judges of a supermajority, one of each creator"},
	{7, FullTally, "every tally counts the votes of a supermajority"},
	{8, OneBranch, "of one creator's witnesses of a round only one is strongly seen, by whomever"},
	{9, ParentFirst, "a parent comes before its child in the order"},
	{9, TimesIncrease, "consensus times strictly increase"},
	{10, TimeInRange, "a consensus time lies among the times of correct nodes"},
	{11, OrderedOnce, "an event is ordered once"},
	{11, OrderedIsHeld, "what is ordered is what some correct node has taken in"},
	{11, StaleNotOrdered, "an event that is stale to one correct node is ordered by none"},
	{11, StaleIsHeld, "what is stale to a node it has taken in"},
	{11, EffectOnce, "a transaction takes effect once for each time that a client submitted it"},
	{11, StateFollowsLog, "what a node applied, through any crash, is what the one log says"},
	{12, AncientRises, "the ancient threshold never falls"},
	{13, RestoredAlike, "a node started from a snapshot equals one that ran on"},
	{13, AnchorsAgree, "of a round correct nodes have one snapshot to certify"},
	{14, NoBranch, "a correct node never branches"},
	{15, BoundedMemory, "what a node holds stays under its bounds"},
	{16, OneTrace, "one seed gives one trace"},
	{17, Liveness, "when faults have healed, what correct nodes submitted is ordered within K rounds"},
	{18, Idle, "with nothing to order no events are made; one transaction is ordered, and then none again"},
	{0, TakenInOnce, "a node takes an event in once"},
	{0, PersistBeforeSend, "a node sends what it has written"},
	{0, Incarnation, "a node's incarnation is its first own event after its boot"},
	{0, LogHolds, "a log gives back what was written, without a gap, and all that cannot have been lost"},
	{0, NoPanic, "nothing panics"},
}

// Failure says which invariant a run broke. It is an error.
type Failure struct {
	Invariant string
	Detail    string
	At        time.Duration // in virtual time
	Step      int
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s broken at %v, step %d: %s", Describe(f.Invariant), f.At, f.Step, f.Detail)
}

// Describe returns an invariant's number and name.
func Describe(name string) string {
	for _, i := range Invariants {
		if i.Name == name && i.Number > 0 {
			return fmt.Sprintf("invariant %d (%s)", i.Number, name)
		}
	}
	return fmt.Sprintf("promise (%s)", name)
}

// observer holds what one node's engine finds against what any correct node's has found. It implements
// consensus.Observer.
type observer struct{ h *host }

// ballot is a candidate in the election of a round.
type ballot struct {
	round     uint64
	candidate event.ID
}

// seat is where a creator's witness of a round stands while one round is being elected.
type seat struct {
	pending uint64
	round   int64
	creator int
}

// StronglySeen implements consensus.Observer.
func (o observer) StronglySeen(pending uint64, round int64, w *event.Event) {
	if !o.h.correct {
		return
	}
	c, at, id := o.h.w.check, seat{pending, round, w.Creator}, w.ID()
	switch other, known := c.strong[at]; {
	case !known:
		c.strong[at] = id
	case other != id:
		c.fail(OneBranch, "at node %d %v of round %d is, elsewhere %v", o.h.index, id, round, other)
	}
}

// Tally implements consensus.Observer.
func (o observer) Tally(voter *event.Event, electors int) {
	if o.h.correct && electors < quorum(o.h.w.sc.Members) {
		o.h.w.check.fail(FullTally, "at node %d %v has %d electors", o.h.index, voter.ID(), electors)
	}
}

// Fame implements consensus.Observer.
func (o observer) Fame(pending uint64, candidate *event.Event, famous bool, distance int64) {
	if !o.h.correct {
		return
	}
	o.h.w.elections.note(pending, candidate.ID(), distance)
	c, on := o.h.w.check, ballot{pending, candidate.ID()}
	switch before, known := c.fame[on]; {
	case !known:
		c.fame[on] = famous
	case before != famous:
		c.fail(FameHolds, "at node %d the fame of %v in round %d is %v, elsewhere %v", o.h.index, on.candidate,
			pending, famous, before)
	}
}
