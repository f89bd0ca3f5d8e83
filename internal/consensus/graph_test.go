package consensus_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// graph makes events by hand and inserts them into an engine. An event is named by its creator's letter and its
// sequence number, "a1", and a second event of that number "a1'".
type graph struct {
	t      testing.TB
	engine *consensus.Engine
	names  map[string]*event.Event
	order  []string // of insertion
	clock  int64    // ns; the default time of the next event
	rounds []consensus.Round

	// What the next event is made with.
	birth uint64
	coin  byte
	txs   int
}

func newGraph(t testing.TB, cfg consensus.Config) *graph {
	t.Helper()
	return &graph{t: t, engine: consensus.New(cfg), names: map[string]*event.Event{}, birth: 1}
}

// add makes the named event and inserts it. The parents are the names given; the one of the same letter is the
// self-parent.
func (g *graph) add(name string, parents ...string) *event.Event {
	g.t.Helper()
	ev := g.make(name, parents...)
	g.rounds = append(g.rounds, g.engine.Insert(ev)...)
	return ev
}

func (g *graph) make(name string, parents ...string) *event.Event {
	g.t.Helper()
	var seq uint64
	if _, err := fmt.Sscanf(strings.TrimRight(name[1:], "'"), "%d", &seq); err != nil {
		g.t.Fatalf("event name %q: %v", name, err)
	}
	g.clock += 1_000_000
	ev := &event.Event{
		Creator: int(name[0] - 'a'), Seq: seq, BirthRound: g.birth, Time: g.clock,
		Coin: g.coin, Payload: []byte{},
	}
	for range g.txs {
		ev.Payload = event.AppendTransaction(ev.Payload, []byte(name))
	}
	for _, p := range parents {
		ev.Parents = append(ev.Parents, claim(g.names[p]))
	}
	slices.SortStableFunc(ev.Parents, func(a, b event.Parent) int { return key(ev, a) - key(ev, b) })
	if err := ev.Seal(event.Domain{}); err != nil {
		g.t.Fatalf("event %s: %v", name, err)
	}
	g.names[name] = ev
	g.order = append(g.order, name)
	return ev
}

// key sorts the self-parent before the other parents.
func key(ev *event.Event, p event.Parent) int {
	if p.Creator == ev.Creator {
		return -1
	}
	return p.Creator
}

func claim(ev *event.Event) event.Parent {
	return event.Parent{Creator: ev.Creator, Seq: ev.Seq, BirthRound: ev.BirthRound, ID: ev.ID()}
}

// layer adds one event of each letter on top of all events of the layer before: of all letters if seq is 2 or more.
func (g *graph) layer(letters string, seq int) {
	g.t.Helper()
	var parents []string
	for _, l := range letters {
		if seq > 1 {
			parents = append(parents, fmt.Sprintf("%c%d", l, seq-1))
		}
	}
	for _, l := range letters {
		g.add(fmt.Sprintf("%c%d", l, seq), parents...)
	}
}

// name returns the name of an event.
func (g *graph) name(id event.ID) string {
	for _, n := range g.order {
		if g.names[n].ID() == id {
			return n
		}
	}
	return id.String()
}

// judges and ordered return the names in a round.
func (g *graph) judges(r consensus.Round) string {
	var names []string
	for _, id := range r.Judges {
		names = append(names, g.name(id))
	}
	return strings.Join(names, " ")
}

func (g *graph) ordered(r consensus.Round) string {
	var names []string
	for _, o := range r.Events {
		names = append(names, g.name(o.Event.ID()))
	}
	return strings.Join(names, " ")
}

// roundsOf returns the rounds of events, a star behind those of witnesses, "-" for −∞.
func (g *graph) roundsOf(names string) string {
	var out []string
	for name := range strings.FieldsSeq(names) {
		id := g.names[name].ID()
		s := "-"
		if r := g.engine.RoundOf(id); r != consensus.NegInf {
			s = fmt.Sprint(r)
		}
		if g.engine.Witness(id) {
			s += "*"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (g *graph) wantRounds(names, want string) {
	g.t.Helper()
	if got := g.roundsOf(names); got != want {
		g.t.Errorf("rounds of %s: got %s, want %s", names, got, want)
	}
}

// gossip makes the events of a cluster whose members, in random order, each build on what they know of the others,
// which may be up to lag events behind.
func gossip(t testing.TB, members, events, lag int, seed uint64) []*event.Event {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	e := consensus.New(consensus.Config{Members: members})
	chains := make([][]*event.Event, members)
	seen := make([][]int, members) // by member: how many events of each chain it built on
	for i := range seen {
		seen[i] = make([]int, members)
	}
	list := make([]*event.Event, 0, events)
	for step := range events {
		i := rng.IntN(members)
		ev := &event.Event{
			Creator: i, Seq: uint64(len(chains[i]) + 1), BirthRound: e.Pending(),
			Time: int64(step+1) * 1_000_000, Coin: byte(rng.Uint32()),
		}
		if last := len(chains[i]); last > 0 {
			ev.Parents = append(ev.Parents, claim(chains[i][last-1]))
		}
		for m, chain := range chains {
			known := max(seen[i][m], len(chain)-rng.IntN(lag+1))
			if m == i || known == seen[i][m] {
				continue
			}
			seen[i][m] = known
			ev.Parents = append(ev.Parents, claim(chain[known-1]))
		}
		if rng.IntN(2) == 0 {
			ev.Payload = event.AppendTransaction(nil, []byte{byte(step)})
		}
		if err := ev.Seal(event.Domain{}); err != nil {
			t.Fatal(err)
		}
		e.Insert(ev)
		chains[i] = append(chains[i], ev)
		list = append(list, ev)
	}
	return list
}
