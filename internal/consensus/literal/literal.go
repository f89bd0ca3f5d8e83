// Package literal is consensus as docs/consensus.md words it, to be held beside that page and checked line by line.
//
// It computes every definition anew over the whole graph after each insertion and after each decided round, and
// forgets nothing: slow, but with no state that could be out of date. The engine that runs is package consensus;
// this one is the oracle that tests compare it with, event by event. Whoever changes one of the two first changes
// the page.
//
// literal.go holds the graph, seeing.go rounds and strongly seeing, fame.go elections, order.go the order within
// a decided round, check.go what must hold in every graph with at most f faulty members, minutes.go how a round was
// decided, for a person to follow.
package literal

import (
	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// Oracle is one node's view of the graph. Not safe for concurrent use.
type Oracle struct {
	members, quorum        int
	coinPeriod, roundsKept int

	graph []*vertex // in the order of arrival, so parents before children
	byID  map[event.ID]*vertex

	pending uint64    // the round being elected; those below it are decided
	judges  []*vertex // of the last decided round, by creator; nil before there is one
	births  []uint64  // the least birth round of the judges of round i+1
	ancient uint64    // events with a birth round below this are ancient
	last    int64     // consensus time of the last transaction ordered, ns
	err     error

	votes     map[ballot]bool // of the election of the pending round, as counted in this evaluation
	watch     func(Minutes)   // nil if nobody does
	check     bool
	violation error
}

// vertex is one event in the graph.
type vertex struct {
	*event.Event
	place   int       // in the graph
	parents []*vertex // those to which a link exists, in the event's order
	self    *vertex   // the self-parent, if a link to it exists
	ordered bool      // received in a decided round
	stale   bool      // went ancient before it was ordered

	facts // computed anew in each evaluation
}

// New returns an oracle for a cluster of members. Fame is never decided in every coinPeriod-th round of voting,
// and events go ancient roundsKept rounds after those that were current when they were made.
func New(members, coinPeriod, roundsKept int) *Oracle {
	return &Oracle{
		members: members, quorum: 2*members/3 + 1,
		coinPeriod: coinPeriod, roundsKept: roundsKept,
		byID:    map[event.ID]*vertex{},
		pending: 1, ancient: 1,
	}
}

// Insert adds a sealed event, of whose parents each is inserted or ancient, and returns the rounds that it
// decided. An event that is known, or ancient already, changes nothing.
func (o *Oracle) Insert(ev *event.Event) []consensus.Round {
	if o.byID[ev.ID()] != nil || ev.BirthRound < o.ancient {
		return nil
	}
	o.add(ev)
	var decided []consensus.Round
	for {
		o.evaluate()
		famous, ok := o.elect()
		if o.check && o.violation == nil {
			o.violation = o.verify()
		}
		if !ok || o.err != nil {
			return decided
		}
		judges := onePerCreator(famous)
		if len(judges) < o.quorum {
			o.err = consensus.ErrJudges
			return decided
		}
		if o.watch != nil {
			o.watch(o.minutes(judges))
		}
		decided = append(decided, o.decide(judges))
	}
}

// add links the event to those of its parents that are what it claims them to be.
func (o *Oracle) add(ev *event.Event) {
	x := &vertex{Event: ev, place: len(o.graph)}
	for i := range ev.Parents {
		claim := &ev.Parents[i]
		p := o.byID[claim.ID]
		if p == nil || p.BirthRound < o.ancient ||
			p.Creator != claim.Creator || p.Seq != claim.Seq || p.BirthRound != claim.BirthRound {
			continue
		}
		if claim == ev.SelfParent() {
			if p.Time >= ev.Time {
				continue
			}
			x.self = p
		}
		x.parents = append(x.parents, p)
	}
	o.graph = append(o.graph, x)
	o.byID[ev.ID()] = x
}

// evaluate computes the facts of every event, parents first.
func (o *Oracle) evaluate() {
	o.votes = map[ballot]bool{}
	for _, x := range o.graph {
		o.settle(x)
	}
}

// Pending returns the round being elected: the latest decided one + 1.
func (o *Oracle) Pending() uint64 { return o.pending }

// Ancient returns the threshold below which a birth round is ancient.
func (o *Oracle) Ancient() uint64 { return o.ancient }

// Err returns why ordering stopped for good, or nil.
func (o *Oracle) Err() error { return o.err }

// RoundOf returns an event's round, consensus.NegInf if it has none or is unknown.
func (o *Oracle) RoundOf(id event.ID) int64 {
	if x := o.byID[id]; x != nil {
		return x.round
	}
	return consensus.NegInf
}

// Witness reports whether the event is a witness.
func (o *Oracle) Witness(id event.ID) bool {
	x := o.byID[id]
	return x != nil && x.witness()
}

// Fame returns how the election of the pending round stands for one event.
func (o *Oracle) Fame(id event.ID) Fame {
	if x := o.byID[id]; x != nil && o.candidate(x) {
		return o.fame(x)
	}
	return Undecided
}
