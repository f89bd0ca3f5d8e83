package consensus_test

import (
	"fmt"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// TestTextbook is the example of docs/consensus.md: four members in step.
func TestTextbook(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	g.layer("abcd", 1)
	g.layer("abcd", 2)
	for _, name := range []string{"a3", "b3", "c3"} {
		g.add(name, "a2", "b2", "c2", "d2")
	}
	g.wantRounds("a1 d1 a2 d2 a3 c3", "1* 1* 1 1 2* 2*")
	if len(g.rounds) != 0 {
		t.Fatalf("decided %d rounds before all had voted", len(g.rounds))
	}

	g.add("d3", "a2", "b2", "c2", "d2")
	if len(g.rounds) != 1 || g.judges(g.rounds[0]) != "a1 b1 c1 d1" || g.ordered(g.rounds[0]) != "" {
		t.Fatalf("round 1: got %+v", g.rounds)
	}
	g.wantRounds("a1 a2 a3", "1* 1 2*")
	g.layer("abcd", 4)
	g.layer("abcd", 5)

	if len(g.rounds) != 2 {
		t.Fatalf("decided %d rounds, want 2", len(g.rounds))
	}
	r := g.rounds[1]
	if g.judges(r) != "a3 b3 c3 d3" || g.ordered(r) != "d1 c1 b1 a1 d2 c2 b2 a2" {
		t.Errorf("round 2: judges %s, order %s", g.judges(r), g.ordered(r))
	}
	// The first events were made at 1 to 4 ms; the others had them with their second events, at 5 to 8 ms. So the
	// times of d1 are 4 5 6 7 and those of c1 3 5 6 8: the median is the same, and what is next to it decides. Then
	// come b1 with 2 5 7 8 and a1 with 1 6 7 8.
	for i, want := range []int64{6_000_000, 6_001_000, 7_000_000, 7_001_000} {
		if got := r.Events[i].Time; got != want {
			t.Errorf("time of event %d: got %d ns, want %d", i, got, want)
		}
	}
	g.wantRounds("a1 a2 a3 a4 a5", "- - 2* 2 3*")
	if g.engine.Pending() != 3 {
		t.Errorf("pending: got %d, want 3", g.engine.Pending())
	}
}

// TestSingle shows that a cluster of one needs no rules of its own: each event is a round.
func TestSingle(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 1})
	g.txs = 1
	g.add("a1")
	for i := 2; i <= 6; i++ {
		g.add(fmt.Sprintf("a%d", i), fmt.Sprintf("a%d", i-1))
	}
	g.wantRounds("a5 a6", "5* 6*")
	if len(g.rounds) != 5 {
		t.Fatalf("decided %d rounds, want 5", len(g.rounds))
	}
	for i, r := range g.rounds {
		if want := fmt.Sprintf("a%d", i+1); g.judges(r) != want || g.ordered(r) != want {
			t.Errorf("round %d: judges %s, order %s, want %s", r.Number, g.judges(r), g.ordered(r), want)
		}
	}
}

// TestTimesIncrease shows that consensus times strictly increase, transaction by transaction.
func TestTimesIncrease(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	g.txs = 3
	for seq := 1; seq <= 4; seq++ {
		g.layer("abcd", seq)
		g.clock -= 4_000_000 - 4 // the next layer is only 4 ns later
	}
	for seq := 5; seq <= 7; seq++ {
		g.layer("abcd", seq)
	}
	last := int64(0)
	for _, r := range g.rounds {
		for _, o := range r.Events {
			if o.Time <= last {
				t.Errorf("%s is at %d, the transaction before it at %d", g.name(o.Event.ID()), o.Time, last)
			}
			last = o.Time + 1000*int64(o.Event.Transactions()-1)
		}
	}
	if last == 0 {
		t.Error("nothing was ordered")
	}
}

// TestInsertIgnores shows what changes nothing: an event that is known, and one of a stranger.
func TestInsertIgnores(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	a1 := g.add("a1")
	g.engine.Insert(a1)
	if got := g.engine.Branches(0); got != 1 {
		t.Errorf("branches after an event came twice: got %d, want 1", got)
	}
	if z := g.add("z1"); g.engine.Get(z.ID()) != nil {
		t.Error("took in the event of a stranger")
	}
	if g.engine.Tips(0)[0] != (event.Tip{Creator: 0, Seq: 1, ID: a1.ID()}) {
		t.Errorf("tips: got %v", g.engine.Tips(0))
	}
}

// TestFalseClaims shows that an event which claims of a parent what is not so counts as one without that parent.
func TestFalseClaims(t *testing.T) {
	tests := []struct {
		name string
		lie  func(*event.Event)
	}{
		{"sequence number", func(ev *event.Event) { ev.Parents[1].Seq = 7 }},
		{"creator", func(ev *event.Event) { ev.Parents[1].Creator = 2 }},
		{"birth round", func(ev *event.Event) { ev.Parents[1].BirthRound = 1 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newGraph(t, consensus.Config{Members: 4})
			g.birth = 2
			g.layer("abcd", 1)
			g.add("b2", "b1", "a1", "c1", "d1")
			liar := g.make("a2", "a1", "b2")
			test.lie(liar)
			if err := liar.Seal(event.Domain{}); err != nil {
				t.Fatal(err)
			}
			g.engine.Insert(liar)
			if g.engine.Get(liar.ID()) == nil {
				t.Error("refused the event")
			}
			parents := []event.ID{liar.ID()}
			if p := g.engine.Preview(0, parents); p.Echoes != 1 {
				t.Errorf("sees the witnesses of %d members, want 1", p.Echoes)
			}
		})
	}
}

// TestClockStandsStill shows that an event not later than its self-parent has none: it begins a branch.
func TestClockStandsStill(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	g.add("a1")
	g.clock -= 1_000_000
	g.add("a2", "a1")
	g.wantRounds("a1 a2", "1* 1*")
	if got := g.engine.Branches(0); got != 2 {
		t.Errorf("branches: got %d, want 2", got)
	}
}

// TestLateWitness shows that a witness of the pending round that comes when one two rounds above it is known is not
// famous, and holds nothing up.
func TestLateWitness(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	d1 := g.make("d1")
	for seq := 1; seq <= 5; seq++ {
		g.layer("abc", seq)
	}
	// Three of four see everything through each other from the third event on, so rounds take two events.
	g.wantRounds("a1 a3 a5", "1* 2* 3*")
	if len(g.rounds) != 1 || g.judges(g.rounds[0]) != "a1 b1 c1" {
		t.Fatalf("round 1: got %+v", g.rounds)
	}
	g.engine.Insert(d1)
	g.wantRounds("d1", "-")
	g.add("d2", "d1", "a5", "b5", "c5")
	g.wantRounds("d2", "3*")
}

// TestStale shows that what was made behind a partition is reported once it is ancient, and that it is not
// ordered any more, while the event by which its creator comes back is.
func TestStale(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4, RoundsKept: 3})
	g.layer("abc", 1)
	lost := g.add("d1")
	for seq := 2; seq <= 20; seq++ {
		g.birth = g.engine.Pending()
		g.layer("abc", seq)
	}
	stale := 0
	for _, r := range g.rounds {
		for _, ev := range r.Stale {
			if ev != lost {
				t.Errorf("%s is stale", g.name(ev.ID()))
			}
			stale++
		}
		if r.Ancient > 1 && g.engine.Get(lost.ID()) != nil {
			t.Error("an ancient event is still there")
		}
	}
	if stale != 1 {
		t.Fatalf("the lost event was reported %d times, want once", stale)
	}
	g.birth = g.engine.Pending()
	back := g.add("d2", "d1", "a20", "b20", "c20")
	g.add("a21", "a20", "b20", "c20", "d2")
	g.add("b21", "a20", "b20", "c20", "d2")
	g.add("c21", "a20", "b20", "c20", "d2")
	for seq := 22; seq <= 30; seq++ {
		g.layer("abc", seq)
	}
	found := false
	for _, r := range g.rounds {
		for _, o := range r.Events {
			found = found || o.Event == back
			if o.Event == lost {
				t.Error("a stale event was ordered")
			}
		}
	}
	if !found {
		t.Error("the event after the stale one was never ordered")
	}
}

// TestPreview shows that a preview tells what the event then is.
func TestPreview(t *testing.T) {
	for _, n := range []int{1, 4, 7} {
		events := gossip(t, n, 400, 3, uint64(n))
		e := consensus.New(consensus.Config{Members: n})
		for i, ev := range events {
			var parents []event.ID
			for _, p := range ev.Parents {
				parents = append(parents, p.ID)
			}
			p := e.Preview(ev.Creator, parents)
			if len(e.Insert(ev)) > 0 {
				continue // rounds are others now
			}
			if got := e.RoundOf(ev.ID()); got != p.Round {
				t.Fatalf("n=%d, event %d: round %d, preview %d", n, i, got, p.Round)
			}
			if got := e.Witness(ev.ID()); got != p.Advances {
				t.Fatalf("n=%d, event %d: witness %t, preview %t", n, i, got, p.Advances)
			}
		}
	}
}

// TestPreviewCounts counts whose witnesses an event would see, and strongly see.
func TestPreviewCounts(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	g.layer("abcd", 1)
	g.layer("abcd", 2)
	ids := func(names ...string) (ids []event.ID) {
		for _, n := range names {
			ids = append(ids, g.names[n].ID())
		}
		return ids
	}
	tests := []struct {
		parents []event.ID
		want    consensus.Preview
	}{
		{nil, consensus.Preview{Round: 1, Advances: true, Echoes: 1, Near: 1}},
		{ids("a1"), consensus.Preview{Round: 1, Echoes: 1, Near: 1}},
		{ids("a1", "b1", "d1"), consensus.Preview{Round: 1, Echoes: 3, Near: 3}},
		{ids("a2", "b2"), consensus.Preview{Round: 1, Echoes: 4, Near: 4}},
		{ids("a2", "b2", "c2"), consensus.Preview{Round: 2, Advances: true, Echoes: 1, Near: 4, Electors: 4}},
		{ids("a1", "b1", "c1", "d1"), consensus.Preview{Round: 1, Echoes: 4, Near: 4}},
	}
	for _, test := range tests {
		if got := g.engine.Preview(0, test.parents); got != test.want {
			t.Errorf("%d parents: got %+v, want %+v", len(test.parents), got, test.want)
		}
	}
}

// counter is an Observer that counts what is strongly seen.
type counter struct{ seen int }

func (c *counter) StronglySeen(uint64, int64, *event.Event) { c.seen++ }
func (c *counter) Tally(*event.Event, int)                  {}
func (c *counter) Fame(uint64, *event.Event, bool, int64)   {}

// TestPreviewIsNotObserved: what an event would strongly see that is not made, no event does.
func TestPreviewIsNotObserved(t *testing.T) {
	var c counter
	g := newGraph(t, consensus.Config{Members: 4, Observer: &c})
	g.layer("abcd", 1)
	g.layer("abcd", 2)
	var parents []event.ID
	for _, name := range []string{"a2", "b2", "c2", "d2"} {
		parents = append(parents, g.names[name].ID())
	}
	if p := g.engine.Preview(0, parents); p.Round != 2 || c.seen != 0 {
		t.Errorf("a preview of round %d told of %d witnesses strongly seen", p.Round, c.seen)
	}
	if g.add("a3", "a2", "b2", "c2", "d2"); c.seen != 4 {
		t.Errorf("an event told of %d witnesses strongly seen, want 4", c.seen)
	}
}
