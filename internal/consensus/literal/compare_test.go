package literal_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
	"github.com/foxmq/foxmq/internal/consensus/literal"
	"github.com/foxmq/foxmq/internal/event"
)

// TestFastEqualsLiteral compares the engine with the oracle after every event of every graph, and asserts what
// must hold of what they say.
func TestFastEqualsLiteral(t *testing.T) {
	forEachGraph(t, graphs(), func(g *graphtest.Graph) error { return compare(g, consensus.NoMutation) })
}

// compare runs both over the graph and returns the first difference or breach.
func compare(g *graphtest.Graph, m consensus.Mutation) error {
	p := newPair(g, m)
	for i, ev := range g.Events {
		if _, err := p.insert(ev); err != nil {
			return fmt.Errorf("at event %d of %d, %s: %w", i+1, len(g.Events), ev.ID(), err)
		}
		if err := p.slow.Err(); err != nil {
			if g.Sound() && m == consensus.NoMutation {
				return fmt.Errorf("at event %d of %d, %s: %w", i+1, len(g.Events), ev.ID(), err)
			}
			break
		}
	}
	return nil
}

// pair is the engine and the oracle on one graph.
type pair struct {
	fast   *consensus.Engine
	slow   *literal.Oracle
	ledger *ledger
	recent []*event.Event // inserted and not ancient
}

func newPair(g *graphtest.Graph, m consensus.Mutation) *pair {
	p := &pair{
		fast: consensus.New(consensus.Config{
			Members: g.Members, CoinPeriod: g.CoinPeriod, RoundsKept: g.RoundsKept, Mutation: m,
		}),
		slow:   literal.New(g.Members, g.CoinPeriod, g.RoundsKept),
		ledger: newLedger(g.Members),
	}
	if g.Sound() {
		p.slow.Check()
	}
	return p
}

// insert hands the event to both and returns the rounds that it decided.
func (p *pair) insert(ev *event.Event) ([]consensus.Round, error) {
	p.ledger.know(ev)
	fast, slow := p.fast.Insert(ev), p.slow.Insert(ev)
	if err := p.slow.Violation(); err != nil {
		return nil, err
	}
	if err := sameRounds(fast, slow); err != nil {
		return nil, err
	}
	if f, s := p.fast.Err() != nil, p.slow.Err() != nil; f != s {
		return nil, fmt.Errorf("ordering stopped: the engine says %t, the oracle %t", f, s)
	}
	for _, r := range fast {
		if err := p.ledger.add(r); err != nil {
			return nil, err
		}
	}
	p.recent = append(p.recent, ev)
	p.recent = slices.DeleteFunc(p.recent, func(x *event.Event) bool { return x.BirthRound < p.slow.Ancient() })
	return slow, p.sameFacts()
}

// sameFacts compares what both say of the graph as it stands.
func (p *pair) sameFacts() error {
	if f, s := p.fast.Pending(), p.slow.Pending(); f != s {
		return fmt.Errorf("pending round: the engine says %d, the oracle %d", f, s)
	}
	if f, s := p.fast.Ancient(), p.slow.Ancient(); f != s {
		return fmt.Errorf("ancient threshold: the engine says %d, the oracle %d", f, s)
	}
	if p.slow.Err() != nil {
		return nil
	}
	for _, ev := range p.recent {
		id := ev.ID()
		if f, s := p.fast.RoundOf(id), p.slow.RoundOf(id); f != s {
			return fmt.Errorf("round of %s: the engine says %d, the oracle %d", id, f, s)
		}
		if f, s := p.fast.Witness(id), p.slow.Witness(id); f != s {
			return fmt.Errorf("witness %s: the engine says %t, the oracle %t", id, f, s)
		}
	}
	return nil
}

// sameRounds compares decided rounds in everything but the order of the stale events, which is that of arrival.
func sameRounds(fast, slow []consensus.Round) error {
	if len(fast) != len(slow) {
		return fmt.Errorf("decided rounds: the engine decides %d, the oracle %d", len(fast), len(slow))
	}
	for i, f := range fast {
		if err := sameRound(f, slow[i]); err != nil {
			return fmt.Errorf("round %d: %w", slow[i].Number, err)
		}
		if stale := sortedIDs(f.Stale); !slices.Equal(stale, sortedIDs(slow[i].Stale)) {
			return fmt.Errorf("round %d: stale events: the engine says %v, the oracle %v",
				f.Number, stale, sortedIDs(slow[i].Stale))
		}
	}
	return nil
}

// sameRound compares what every node must say of a round.
func sameRound(a, b consensus.Round) error {
	switch {
	case a.Number != b.Number:
		return fmt.Errorf("number: %d and %d", a.Number, b.Number)
	case !slices.Equal(a.Judges, b.Judges):
		return fmt.Errorf("judges: %v and %v", a.Judges, b.Judges)
	case len(a.Events) != len(b.Events):
		return fmt.Errorf("events received: %d and %d", len(a.Events), len(b.Events))
	case a.Ancient != b.Ancient:
		return fmt.Errorf("ancient threshold: %d and %d", a.Ancient, b.Ancient)
	}
	for i, x := range a.Events {
		if y := b.Events[i]; x.Event.ID() != y.Event.ID() {
			return fmt.Errorf("order: %s and %s at %d", x.Event.ID(), y.Event.ID(), i)
		} else if x.Time != y.Time {
			return fmt.Errorf("consensus time of %s: %d and %d", x.Event.ID(), x.Time, y.Time)
		}
	}
	return nil
}

func sortedIDs(events []*event.Event) []event.ID {
	var ids []event.ID
	for _, ev := range events {
		ids = append(ids, ev.ID())
	}
	slices.SortFunc(ids, func(a, b event.ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// TestPlantedBugsAreFound makes sure that the comparison would notice: each bug that others had, planted in the
// engine, shows within the seeds of one run, and within a few graphs from bytes.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, bug := range []struct {
		name string
		consensus.Mutation
	}{
		{"tally at the voter", consensus.TallyAtVoter},
		{"parentless always in round 1", consensus.ParentlessAlwaysRound1},
		{"tie-break on signatures", consensus.SignatureTieBreak},
		{"coin from the byte", consensus.CoinByteTest},
		{"generation of retained parents", consensus.RetainedGeneration},
		{"recompute spares all judges", consensus.RecomputeSparesAllJudges},
		{"two thirds are a supermajority", consensus.TwoThirdsNotMore},
		{"all but one are unanimous", consensus.UnanimousButOne},
	} {
		t.Run(bug.name, func(t *testing.T) {
			t.Parallel()
			findBug(t, bug.Mutation, 10_000, graph)
		})
		t.Run(bug.name+", from bytes", func(t *testing.T) {
			t.Parallel()
			findBug(t, bug.Mutation, 2000, graphFromBytes)
		})
	}
}

// findBug looks for a graph on which the bug shows.
func findBug(t *testing.T, bug consensus.Mutation, last uint64, graph func(seed uint64) *graphtest.Graph) {
	t.Helper()
	for seed := uint64(1); seed <= last; seed++ {
		if err := compare(graph(seed), bug); err != nil {
			t.Logf("found by seed %d: %v", seed, err)
			return
		}
	}
	t.Error("no graph finds it")
}
