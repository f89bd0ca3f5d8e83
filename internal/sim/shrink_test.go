package sim

import (
	"os"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
)

// TestShrinkKeepsInvariant plants a bug and shrinks what finds it: the smaller scenario still breaks the same
// invariant, and the line that it prints repeats it.
func TestShrinkKeepsInvariant(t *testing.T) {
	t.Parallel()
	for _, m := range []consensus.Mutation{consensus.TallyAtVoter, consensus.ParentlessAlwaysRound1} {
		s, f := firstFailure(t, m)
		small, g := Shrink(s, f, ShrinkRuns)
		if g.Invariant != f.Invariant {
			t.Errorf("%s became %s", f.Invariant, g.Invariant)
		}
		if small.Members > s.Members || small.Rounds > s.Rounds || len(small.String()) > len(s.String()) {
			t.Errorf("not smaller: %v\nthan %v", small, s)
		}
		again, err := Parse(small.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, h := Try(again); h == nil || *h != *g {
			t.Errorf("%v\nfails with %v, not %v", small, h, g)
		}
		t.Logf("%v\nbecame %v\n%v", s, small, g)
	}
}

// firstFailure returns the first seed that finds a planted bug.
func firstFailure(t *testing.T, m consensus.Mutation) (Scenario, *Failure) {
	t.Helper()
	for seed := range uint64(1000) {
		s := Random(seed)
		s.Mutation = m
		if _, f := Try(s); f != nil {
			return s, f
		}
	}
	t.Fatal("no seed finds the bug")
	return Scenario{}, nil
}

// TestScenarioLine writes scenarios of every kind as lines and reads them back.
func TestScenarioLine(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		for seed := range uint64(20) {
			s, err := Named(kind, seed)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := Parse(s.String()); err != nil || back.String() != s.String() {
				t.Fatalf("%v\ncame back as %v, %v", s, back, err)
			}
		}
	}
	for line, want := range map[string]string{
		"members=4 delay=1000 moon=1": `no "moon"`,
		"members=x delay=1000":        "members=x",
		"members=4":                   "above 0",
	} {
		if _, err := Parse(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestOnceFailed runs what once broke something, in small.
func TestOnceFailed(t *testing.T) {
	t.Parallel()
	for what, line := range map[string]string{
		"a checkpoint was committed with the state of a later round": "seed=9011 kind=slow_apply members=4 rounds=4 " +
			"safety=true delay=10000000 jitter=0.05 loss=0.3 episodes=true gap=60000000 kill=0.002 down=1 away=10000000 " +
			"snapshotevery=2 apply=200000000",
		"a segment began behind the events that came with the round of its snapshot": "seed=40097 kind=kill members=3 " +
			"rounds=2 delay=10000000 jitter=0.25 episodes=true gap=60000000 kill=0.002 down=2 away=500000000 snapshotevery=1",
		"a preview was taken for an event that strongly sees another branch": "seed=5002 kind=fork_at_witness " +
			"members=4 rounds=3 delay=10000000 jitter=0.01 gap=30000000 schemers=1 scheme=fork_at_witness",
		"a snapshot taken while the log was read cut off the rest of the log": "seed=40095 kind=kill members=2 " +
			"rounds=20 delay=10000000 jitter=0.05 gap=30000000 kill=0.01 down=2 away=500000000 snapshotevery=8",
		"a branch that was refused at first was asked for too rarely": "seed=100137 kind=fork_at_witness members=4 " +
			"rounds=50 delay=1000000 jitter=0.5 loss=0.05 duplicates=0.05 gap=3000000 schemers=1 scheme=fork_at_witness",
		"a forker's first events left no room for the branch that others had decided by": "seed=20024 kind=orphans " +
			"members=5 rounds=50 delay=1000000 jitter=0.5 loss=0.01 gap=3000000 skew=10000000 schemers=1 scheme=orphans",
	} {
		s, err := Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if _, f := Try(s); f != nil {
			t.Errorf("%s: %v", what, f)
		}
	}
}

// TestPageNamesInvariants makes sure that docs/consensus-testing.md names every invariant.
func TestPageNamesInvariants(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/consensus-testing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range Invariants {
		if !strings.Contains(string(page), i.Name) {
			t.Errorf("%q is missing", i.Name)
		}
	}
}
