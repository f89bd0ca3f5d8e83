package consensus_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
	"github.com/foxmq/foxmq/internal/event"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "run the march of this seed only")
	graphsFlag = flag.Int("graphs", 0, "run the marches of the seeds 1 to this; 0 means as many as fit into ten seconds")
)

// marches is how many seeds the tests of the two rules run.
func marches() uint64 {
	switch {
	case *graphsFlag > 0:
		return uint64(*graphsFlag)
	case testing.Short():
		return 2000
	case os.Getenv("FOXMQ_LONG") != "":
		return 1_000_000
	}
	return 20_000
}

// rivals is two engines over the same events in the same order, one of which decides by tallies only.
type rivals struct {
	early, late       *consensus.Engine
	earlyLog, lateLog []consensus.Round
	tempted           tempted
}

// tempted counts what could have shown that a decision came too early.
type tempted struct {
	rounds     int // decided by all in the end
	early      int // times that the tallies' decision fell behind
	candidates int // that came between the early decision and the tallies'
	twins      int // second witnesses of one member in the round after, that came in between
}

func newRivals(cfg consensus.Config) *rivals {
	tallies := cfg
	tallies.TallyOnly, tallies.Mutation = true, consensus.NoMutation
	return &rivals{early: consensus.New(cfg), late: consensus.New(tallies)}
}

// insert hands the event to both.
func (r *rivals) insert(ev *event.Event) error {
	ahead := len(r.earlyLog) > len(r.lateLog)
	early, late := r.early.Insert(ev), r.late.Insert(ev)
	r.earlyLog, r.lateLog = append(r.earlyLog, early...), append(r.lateLog, late...)
	if len(r.earlyLog) < len(r.lateLog) {
		return fmt.Errorf("decided %d rounds, by tallies only %d", len(r.earlyLog), len(r.lateLog))
	}
	if !ahead && len(r.earlyLog) > len(r.lateLog) {
		r.tempted.early++
	}
	if ahead && len(late) == 0 {
		r.countTempting(ev)
	}
	if len(early)+len(late) == 0 {
		return nil
	}
	return oneLog(r.earlyLog, r.lateLog)
}

// countTempting counts an event that came between the two decisions, if the election was about it or its vote.
func (r *rivals) countTempting(ev *event.Event) {
	if !r.late.Witness(ev.ID()) {
		return
	}
	switch r.late.RoundOf(ev.ID()) - int64(r.late.Pending()) {
	case 0:
		r.tempted.candidates++
	case 1:
		r.tempted.twins++
	}
}

// sameFacts compares what both say of the events, where they are in the same round.
func (r *rivals) sameFacts(events []*event.Event) error {
	if r.early.Pending() != r.late.Pending() {
		return nil
	}
	for _, ev := range events {
		id := ev.ID()
		if r.early.RoundOf(id) != r.late.RoundOf(id) || r.early.Witness(id) != r.late.Witness(id) {
			return fmt.Errorf("%v is of round %d, by tallies only %d", id, r.early.RoundOf(id), r.late.RoundOf(id))
		}
	}
	return nil
}

// run hands all events to both.
func (r *rivals) run(events []*event.Event) error {
	for i, ev := range events {
		if err := r.insert(ev); err != nil {
			return fmt.Errorf("event %d: %w", i+1, err)
		}
	}
	r.tempted.rounds = len(r.earlyLog)
	return r.sameFacts(events)
}

// oneLog compares the rounds that both logs have.
func oneLog(a, b []consensus.Round) error {
	n := min(len(a), len(b))
	for i := range n {
		x, y := a[i], b[i]
		if x.Number != y.Number || x.Ancient != y.Ancient || !slices.Equal(x.Judges, y.Judges) ||
			!slices.Equal(x.Events, y.Events) {
			return fmt.Errorf("round %d: %+v and %+v", i+1, x, y)
		}
	}
	return nil
}

// tempt runs a march of both rules, and of the unanimous one once more in another order of arrival. What is known in
// the end must then decide as many rounds, or a member could wait for ever for one that has gone ahead.
func tempt(seed uint64, mutation consensus.Mutation) (tempted, error) {
	m := newMarch(seed)
	m.cfg.Mutation = mutation
	r := newRivals(m.cfg)
	if err := r.run(m.arrivals(m.credulous)); err != nil {
		return r.tempted, err
	}
	other := insertAll(consensus.New(m.cfg), m.arrivals(m.wary))
	if len(other) != len(r.earlyLog) {
		return r.tempted, fmt.Errorf("decided %d rounds, in another order %d", len(r.earlyLog), len(other))
	}
	return r.tempted, oneLog(r.earlyLog, other)
}

// TestUnanimousEqualsTally shows that deciding on unanimous first votes changes nothing but the moment: not with
// witnesses that a forking member shows only afterwards, nor with candidates that come late.
func TestUnanimousEqualsTally(t *testing.T) {
	if *seedFlag != 0 {
		if _, err := tempt(*seedFlag, consensus.NoMutation); err != nil {
			t.Error(err)
		}
		return
	}
	var sum tempted
	for seed := uint64(1); seed <= marches(); seed++ {
		c, err := tempt(seed, consensus.NoMutation)
		if err != nil {
			t.Fatalf("seed %d: %v\nrepeat: go test ./internal/consensus -run '^%s$' -seed=%d", seed, err, t.Name(), seed)
		}
		sum.rounds += c.rounds
		sum.early += c.early
		sum.candidates += c.candidates
		sum.twins += c.twins
	}
	t.Logf("%d graphs: %d rounds, %d decided early; %d candidates and %d second witnesses came too late for that",
		marches(), sum.rounds, sum.early, sum.candidates, sum.twins)
	if sum.early < sum.rounds/4 || sum.candidates == 0 || sum.twins == 0 {
		t.Error("the graphs show nothing")
	}
}

// TestUnanimousButOneIsFound shows that the marches would find a rule that asks too little: the votes of all members
// but one.
func TestUnanimousButOneIsFound(t *testing.T) {
	for seed := uint64(1); seed <= 100_000; seed++ {
		if _, err := tempt(seed, consensus.UnanimousButOne); err != nil {
			t.Logf("found by seed %d: %v", seed, err)
			return
		}
	}
	t.Error("no march finds it")
}

// TestUnanimousOnHostileGraphs compares the two rules on graphs in which members lie, and of more sizes; those were
// made by members that go by either rule.
func TestUnanimousOnHostileGraphs(t *testing.T) {
	early := 0
	for seed := range marches() / 50 {
		g := graphtest.Random(seed, func(members, coinPeriod, roundsKept int) graphtest.View {
			return consensus.New(consensus.Config{
				Members: members, CoinPeriod: coinPeriod, RoundsKept: roundsKept, TallyOnly: seed%2 == 0,
			})
		})
		if !g.Sound() {
			continue
		}
		r := newRivals(consensus.Config{Members: g.Members, CoinPeriod: g.CoinPeriod, RoundsKept: g.RoundsKept})
		if err := r.run(g.Events); err != nil {
			t.Fatalf("seed %d (%s, %d members): %v", seed, g.Kind, g.Members, err)
		}
		early += r.tempted.early
	}
	if early == 0 {
		t.Error("nothing was decided early")
	}
}

// TestRestoreMayDecide restores what an engine that only tallies could not decide yet: the next event decides it.
func TestRestoreMayDecide(t *testing.T) {
	cfg := consensus.Config{Members: 4, TallyOnly: true}
	g := newGraph(t, cfg)
	for seq := 1; seq <= 3; seq++ {
		g.layer("abcd", seq)
	}
	if len(g.rounds) != 0 {
		t.Fatalf("decided %d rounds before a tally could", len(g.rounds))
	}
	cfg.TallyOnly = false
	restored, err := consensus.Restore(cfg, g.engine.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	if rounds := restored.Insert(g.make("a4", "a3")); len(rounds) != 1 || g.judges(rounds[0]) != "a1 b1 c1 d1" {
		t.Errorf("got %+v", rounds)
	}
}
