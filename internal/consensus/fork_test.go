package consensus_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
)

// TestFork shows one branch to a and the other to b and c. Nobody sees both, neither is strongly seen, and the
// election takes the one that more had heard of.
func TestFork(t *testing.T) {
	g := newGraph(t, consensus.Config{Members: 4})
	g.layer("abcd", 1)
	g.add("d1'")
	g.add("a2", "a1", "b1", "c1", "d1")
	g.add("b2", "b1", "a1", "c1", "d1'")
	g.add("c2", "c1", "a1", "b1", "d1'")
	for seq := 3; seq <= 6; seq++ {
		g.layer("abc", seq)
	}
	g.wantRounds("d1 d1' a2 a3 a4 a5", "1* 1* 1 2* 2 3*")
	if len(g.rounds) != 0 {
		t.Fatalf("one voter told YES and two told NO decided something: %+v", g.rounds)
	}
	g.add("a7", "a6", "b6", "c6")
	// Round 2 had only to wait for that.
	if len(g.rounds) != 2 || g.judges(g.rounds[0]) != "a1 b1 c1 d1'" || g.judges(g.rounds[1]) != "a3 b3 c3" {
		t.Fatalf("got %+v", g.rounds)
	}
	// The judges' creators had d1 when they had a2, so only its generation puts it first.
	if got, want := g.ordered(g.rounds[1]), "b1 c1 a1 d1' b2 c2 d1 a2"; got != want {
		t.Errorf("round 2: got %s, want %s", got, want)
	}
	if got := g.engine.Branches(3); got != 2 {
		t.Errorf("branches of d: got %d, want 2", got)
	}
}
