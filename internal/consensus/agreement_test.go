package consensus_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
	"github.com/foxmq/foxmq/internal/event"
)

// insertAll inserts events and returns the rounds that they decide.
func insertAll(e *consensus.Engine, events []*event.Event) (rounds []consensus.Round) {
	for _, ev := range events {
		rounds = append(rounds, e.Insert(ev)...)
	}
	return rounds
}

// wantPrefix checks that one log is a prefix of the other. What went stale is each member's own affair: it depends
// on what it knew.
func wantPrefix(t *testing.T, a, b []consensus.Round) {
	t.Helper()
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		x.Stale, y.Stale = nil, nil
		if !reflect.DeepEqual(x, y) {
			t.Fatalf("round %d: got %+v and %+v", i+1, x, y)
		}
	}
}

// shuffle returns events in a random order with parents before children and births after the round before them.
// Events that come too late are dropped, as a member would.
func shuffle(e *consensus.Engine, events []*event.Event, rng *rand.Rand) []consensus.Round {
	var rounds []consensus.Round
	inserted := map[event.ID]bool{}
	waiting := append([]*event.Event(nil), events...)
	ready := func(ev *event.Event) bool {
		for _, p := range ev.Parents {
			if !inserted[p.ID] && p.BirthRound >= e.Ancient() {
				return false
			}
		}
		return ev.BirthRound <= e.Pending()
	}
	for len(waiting) > 0 {
		i := rng.IntN(min(len(waiting), 40))
		for !ready(waiting[i]) {
			i = (i + 1) % len(waiting)
		}
		ev := waiting[i]
		waiting = append(waiting[:i], waiting[i+1:]...)
		inserted[ev.ID()] = true
		rounds = append(rounds, e.Insert(ev)...)
	}
	return rounds
}

// TestShuffled shows that the order in which events come does not matter.
func TestShuffled(t *testing.T) {
	for _, n := range []int{2, 3, 4, 7, 10} {
		for seed := range uint64(6) {
			events := gossip(t, n, 600, 4, seed)
			cfg := consensus.Config{Members: n, RoundsKept: 8}
			want := insertAll(consensus.New(cfg), events)
			if len(want) < 5 {
				t.Fatalf("n=%d, seed %d: only %d rounds", n, seed, len(want))
			}
			got := shuffle(consensus.New(cfg), events, rand.New(rand.NewPCG(seed, 7)))
			if len(got) != len(want) {
				t.Errorf("n=%d, seed %d: %d rounds, shuffled %d", n, seed, len(want), len(got))
			}
			wantPrefix(t, got, want)
		}
	}
}

// TestParentsFirst shows that no event is ordered before one of its parents, or twice, and that every round has a
// supermajority of judges.
func TestParentsFirst(t *testing.T) {
	const n = 5
	ordered := map[event.ID]bool{}
	for _, r := range insertAll(consensus.New(consensus.Config{Members: n}), gossip(t, n, 1500, 3, 9)) {
		if len(r.Judges) < 4 {
			t.Errorf("round %d has %d judges", r.Number, len(r.Judges))
		}
		for _, o := range r.Events {
			for _, p := range o.Event.Parents {
				if !ordered[p.ID] {
					t.Fatalf("round %d: %v comes before its parent %v", r.Number, o.Event.ID(), p.ID)
				}
			}
			if ordered[o.Event.ID()] {
				t.Fatalf("round %d: %v comes twice", r.Number, o.Event.ID())
			}
			ordered[o.Event.ID()] = true
		}
	}
}

func open(members, coinPeriod, roundsKept int) graphtest.View {
	return consensus.New(consensus.Config{Members: members, CoinPeriod: coinPeriod, RoundsKept: roundsKept})
}

// TestAdversarial shows agreement on graphs in which up to f members fork, lie and are silent.
func TestAdversarial(t *testing.T) {
	rounds := 0
	for seed := range uint64(150) {
		g := graphtest.Random(seed, open)
		want := insertAll(open(g.Members, g.CoinPeriod, g.RoundsKept).(*consensus.Engine), g.Events)
		rounds += len(want)
		wantPrefix(t, g.Shuffle(seed+1, 30, open(g.Members, g.CoinPeriod, g.RoundsKept)), want)
	}
	if rounds < 300 {
		t.Errorf("only %d rounds were decided", rounds)
	}
}

// TestRestored shows that an engine restored after any round goes on as the one that ran all along.
func TestRestored(t *testing.T) {
	for seed := range uint64(60) {
		g := graphtest.Random(seed, open)
		cfg := consensus.Config{Members: g.Members, CoinPeriod: g.CoinPeriod, RoundsKept: g.RoundsKept}
		testRestored(t, cfg, g.Events)
	}
	testRestored(t, consensus.Config{Members: 4, RoundsKept: 5}, gossip(t, 4, 300, 4, 3))
}

func testRestored(t *testing.T, cfg consensus.Config, events []*event.Event) {
	t.Helper()
	e := consensus.New(cfg)
	var restored []*consensus.Engine
	for i, ev := range events {
		want := e.Insert(ev)
		for _, other := range restored {
			got := other.Insert(ev)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("event %d: restored engine decided %+v, want %+v", i, got, want)
			}
		}
		if len(want) == 0 && i != 5 { // and once before there is a round
			continue
		}
		other, err := consensus.Restore(cfg, e.Snapshot())
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if !reflect.DeepEqual(other.Snapshot(), e.Snapshot()) {
			t.Fatalf("event %d: the restored engine's snapshot is another", i)
		}
		wantSameFacts(t, other, e, events[:i+1])
		restored = append(restored, other)
	}
}

func wantSameFacts(t *testing.T, a, b *consensus.Engine, events []*event.Event) {
	t.Helper()
	for _, ev := range events {
		id := ev.ID()
		if a.RoundOf(id) != b.RoundOf(id) || a.Witness(id) != b.Witness(id) {
			t.Fatalf("%v: round %d and %d", id, a.RoundOf(id), b.RoundOf(id))
		}
	}
}

// TestRestoreRefuses shows that a snapshot without its judges is an error.
func TestRestoreRefuses(t *testing.T) {
	e := consensus.New(consensus.Config{Members: 4})
	insertAll(e, gossip(t, 4, 100, 2, 1))
	for name, spoil := range map[string]func(*consensus.Snapshot){
		"events": func(s *consensus.Snapshot) { s.Events = nil },
		"judges": func(s *consensus.Snapshot) { s.Judges = nil },
		"births": func(s *consensus.Snapshot) { s.Births = nil },
	} {
		s := e.Snapshot()
		spoil(&s)
		if _, err := consensus.Restore(consensus.Config{Members: 4}, s); err == nil {
			t.Errorf("restored a snapshot without %s", name)
		}
	}
}

// TestTips shows the ends of branches, in order.
func TestTips(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	g.add("a1")
	one := g.add("a2", "a1")
	other := g.add("a2'", "a1")
	tips := g.engine.Tips(0)
	if len(tips) != 2 || g.engine.Branches(0) != 2 {
		t.Fatalf("got %v", tips)
	}
	if bytes.Compare(tips[0].ID[:], tips[1].ID[:]) >= 0 {
		t.Errorf("not in the order of ids: %v", tips)
	}
	for _, ev := range []*event.Event{one, other} {
		if tips[0].ID != ev.ID() && tips[1].ID != ev.ID() {
			t.Errorf("%v is not a tip", ev.ID())
		}
	}
	g.add("a3", "a2")
	if tips = g.engine.Tips(0); tips[0].Seq != 2 || tips[1].Seq != 3 {
		t.Errorf("got %v", tips)
	}
}
