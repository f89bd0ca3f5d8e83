package consensus_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
	"github.com/foxmq/foxmq/internal/event"
)

// config returns what engines need that take a snapshot at every so many rounds of a graph.
func config(g *graphtest.Graph, every uint64) consensus.Config {
	return consensus.Config{
		Members: g.Members, CoinPeriod: g.CoinPeriod, RoundsKept: g.RoundsKept, SnapshotEvery: every,
	}
}

// recorder is an engine and what every insertion into it decided.
type recorder struct {
	*consensus.Engine
	inserted []*event.Event
	decided  [][]consensus.Round
}

func (r *recorder) Insert(ev *event.Event) []consensus.Round {
	rounds := r.Engine.Insert(ev)
	r.inserted = append(r.inserted, ev)
	r.decided = append(r.decided, rounds)
	return rounds
}

// TestCaptured shows that the snapshot of a round is that of an engine that had decided no further round, also when one
// event decided several: an engine restored from it decides the others at once and then what the first one does.
func TestCaptured(t *testing.T) {
	several := 0
	for seed := range uint64(60) {
		g := graphtest.Random(seed, open)
		ran := &recorder{Engine: consensus.New(config(g, 1))}
		g.Shuffle(seed, 60, ran)
		for i, rounds := range ran.decided {
			several += max(0, len(rounds)-1)
			for k := range rounds {
				if err := goesOn(config(g, 1), ran, i, k); err != nil {
					t.Fatalf("seed %d, insertion %d, round %d: %v", seed, i, rounds[k].Number, err)
				}
			}
		}
	}
	if several == 0 {
		t.Error("no event decided several rounds")
	}
}

// goesOn restores the k-th round that the i-th insertion decided, and compares what comes of it.
func goesOn(cfg consensus.Config, ran *recorder, i, k int) error {
	twin, err := consensus.Restore(cfg, *ran.decided[i][k].Snapshot)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(twin.Snapshot(), *ran.decided[i][k].Snapshot) {
		return fmt.Errorf("the restored engine's snapshot is another")
	}
	if got, want := twin.Resume(), ran.decided[i][k+1:]; len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		return fmt.Errorf("restored, it decides %d rounds at once, not %d, or others", len(got), len(want))
	}
	for j := i + 1; j < min(len(ran.inserted), i+80); j++ {
		if got := twin.Insert(ran.inserted[j]); !reflect.DeepEqual(got, ran.decided[j]) {
			return fmt.Errorf("insertion %d decides %d rounds, not %d, or others", j, len(got), len(ran.decided[j]))
		}
	}
	return nil
}

// TestCapturedEvery shows which rounds come with a snapshot.
func TestCapturedEvery(t *testing.T) {
	rounds := insertAll(consensus.New(consensus.Config{Members: 4, SnapshotEvery: 3}), gossip(t, 4, 300, 2, 1))
	for _, r := range rounds {
		if (r.Snapshot != nil) != (r.Number%3 == 0) || r.Snapshot != nil && r.Snapshot.Round != r.Number {
			t.Errorf("round %d: %v", r.Number, r.Snapshot)
		}
	}
}

// certified returns a snapshot with the common ones of its events alone, by ID: what members have to agree on.
func certified(s *consensus.Snapshot) consensus.Snapshot {
	c := *s
	c.Events = s.Common()
	slices.SortFunc(c.Events, func(a, b *event.Event) int {
		x, y := a.ID(), b.ID()
		return bytes.Compare(x[:], y[:])
	})
	return c
}

// TestCertified shows that members to which events come in different orders agree on the snapshot of a round, but for
// events that are no ancestors of its judges.
func TestCertified(t *testing.T) {
	rounds := 0
	for seed := range uint64(150) {
		g := graphtest.Random(seed, open)
		if !g.Sound() {
			continue
		}
		one := insertAll(consensus.New(config(g, 1)), g.Events)
		other := g.Shuffle(seed+1, 30, consensus.New(config(g, 1)))
		for i := range min(len(one), len(other)) {
			rounds++
			if a, b := certified(one[i].Snapshot), certified(other[i].Snapshot); !reflect.DeepEqual(a, b) {
				t.Fatalf("seed %d (%s): the snapshots of round %d are\n%+v\n%+v", seed, g.Kind, i+1, a, b)
			}
		}
	}
	if rounds < 300 {
		t.Errorf("only %d rounds were decided", rounds)
	}
}

// TestCommonIsEnough shows that an engine that is restored with the common events alone decides the same as all others
// when the rest comes to it, in whichever order.
func TestCommonIsEnough(t *testing.T) {
	compared := 0
	for seed := range uint64(80) {
		g := graphtest.Random(seed, open)
		if !g.Sound() {
			continue
		}
		want := insertAll(consensus.New(config(g, 1)), g.Events)
		for i := int(seed % 5); i < len(want); i += 5 {
			got := goOnFromCommon(t, g, *want[i].Snapshot)
			compared += len(got)
			if !slices.EqualFunc(got, want[i+1:], sameLog) {
				t.Fatalf("seed %d (%s): from round %d on: %+v, not %+v", seed, g.Kind, i+1, got, want[i+1:])
			}
		}
	}
	if compared < 300 {
		t.Errorf("only %d rounds were decided", compared)
	}
}

// goOnFromCommon restores an engine with the common events of a snapshot, and hands it the whole graph again.
func goOnFromCommon(t *testing.T, g *graphtest.Graph, s consensus.Snapshot) []consensus.Round {
	s.Events = s.Common()
	twin, err := consensus.Restore(config(g, 1), s)
	if err != nil {
		t.Fatal(err)
	}
	rounds := twin.Resume()
	in := graphtest.NewIntake(twin)
	for _, ev := range s.Events {
		in.Offer(ev)
	}
	return append(rounds, g.ShuffleInto(in, g.Seed, 40)...)
}

// sameLog tells whether two rounds are the same to all that members have to agree on.
func sameLog(a, b consensus.Round) bool {
	a.Stale, b.Stale, a.Snapshot, b.Snapshot = nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}
