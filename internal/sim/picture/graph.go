// Package picture draws a hashgraph as SVG: who made which event on what, and what consensus says of each.
package picture

import (
	"math"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// graph is events as one node has taken them in, and what its engine said of them.
type graph struct {
	members int
	nodes   []*node
	byID    map[event.ID]*node
	columns [][]*node // the last event of each branch, by creator
}

// node is an event in the picture.
type node struct {
	event   *event.Event
	parents []*node // of which there is a link
	self    *node
	branch  int   // of its creator, from 0 on
	level   int   // one more than the highest of its parents
	round   int64 // as it was when that was decided, or as it is; consensus.NegInf if it had none
	witness bool
	judge   bool
	stale   bool
	place   int // in the order, from 1 on; 0 if it has none
}

// newGraph hands the events to a new engine, in this order, and notes what it says.
func newGraph(events []*event.Event, cfg consensus.Config) *graph {
	g := &graph{members: cfg.Members, byID: map[event.ID]*node{}, columns: make([][]*node, cfg.Members)}
	engine := consensus.New(cfg)
	place := 0
	for _, e := range events {
		if g.byID[e.ID()] != nil {
			continue
		}
		g.add(e)
		rounds := engine.Insert(e)
		for i := range rounds {
			place = g.decide(&rounds[i], place)
		}
		if len(rounds) > 0 {
			g.look(engine, g.nodes)
		} else {
			g.look(engine, g.nodes[len(g.nodes)-1:])
		}
	}
	return g
}

func (g *graph) add(e *event.Event) {
	n := &node{event: e, round: consensus.NegInf}
	for i := range e.Parents {
		claim := &e.Parents[i]
		p := g.byID[claim.ID]
		if p == nil || p.event.Creator != claim.Creator || p.event.Seq != claim.Seq {
			continue
		}
		n.parents = append(n.parents, p)
		n.level = max(n.level, p.level+1)
		if claim == e.SelfParent() {
			n.self = p
		}
	}
	g.nodes = append(g.nodes, n)
	g.byID[e.ID()] = n
	g.branch(n)
}

// branch finds on which branch of its creator an event stands: its self-parent's, if that was the end of it.
func (g *graph) branch(n *node) {
	ends := &g.columns[n.event.Creator]
	for i, end := range *ends {
		if end == n.self {
			n.branch = i
			(*ends)[i] = n
			return
		}
	}
	n.branch = len(*ends)
	*ends = append(*ends, n)
}

// decide notes what a round brings, and returns the last place in the order.
func (g *graph) decide(r *consensus.Round, place int) int {
	for _, id := range r.Judges {
		g.byID[id].judge, g.byID[id].witness = true, true
		g.byID[id].round = int64(r.Number)
	}
	for _, o := range r.Events {
		place++
		g.byID[o.Event.ID()].place = place
	}
	for _, e := range r.Stale {
		g.byID[e.ID()].stale = true
	}
	return place
}

// look notes the rounds of nodes. Once an event's round is decided, it keeps that: later it counts for less.
func (g *graph) look(engine *consensus.Engine, nodes []*node) {
	for _, n := range nodes {
		decided := n.round > consensus.NegInf && n.round < int64(engine.Pending())
		if round := engine.RoundOf(n.event.ID()); !decided && round > consensus.NegInf {
			n.round, n.witness = round, engine.Witness(n.event.ID())
		}
	}
}

// within returns the nodes of the rounds from one to another, and those without a round between them.
func (g *graph) within(from, to int64) []*node {
	low, high := math.MaxInt, -1
	for _, n := range g.nodes {
		if n.round >= from && n.round <= to {
			low, high = min(low, n.level), max(high, n.level)
		}
	}
	var list []*node
	for _, n := range g.nodes {
		inside := n.round >= from && n.round <= to
		if inside || n.round == consensus.NegInf && n.level >= low && n.level <= high {
			list = append(list, n)
		}
	}
	return list
}
