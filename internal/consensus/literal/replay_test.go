package literal_test

import (
	"fmt"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
)

// TestAnyOrderOfArrivalGivesOneLog runs each graph in other orders of arrival.
func TestAnyOrderOfArrivalGivesOneLog(t *testing.T) {
	forEachGraph(t, graphs()/4, anyOrderGivesOneLog)
}

// anyOrderGivesOneLog checks that the rounds decided in other orders of arrival are prefixes of one log.
func anyOrderGivesOneLog(g *graphtest.Graph) error {
	if !g.Sound() {
		return nil
	}
	var log []consensus.Round
	first := consensus.New(config(g))
	for _, ev := range g.Events {
		log = append(log, first.Insert(ev)...)
	}
	for i, disorder := range []int{3, 20, len(g.Events)} {
		other := g.Shuffle(uint64(i), disorder, consensus.New(config(g)))
		for k := range min(len(log), len(other)) {
			if err := sameRound(log[k], other[k]); err != nil {
				return fmt.Errorf("any topological shuffle gives one log: shuffle %d, round %d: %w", i, log[k].Number, err)
			}
		}
	}
	return nil
}

// TestRestoredGoesOnAlike starts nodes from the snapshots of each graph.
func TestRestoredGoesOnAlike(t *testing.T) {
	forEachGraph(t, graphs()/10, restoredGoesOnAlike)
}

// restoredGoesOnAlike starts a node from a snapshot after every decided round and checks that it decides from then on
// what the one does that ran all along.
func restoredGoesOnAlike(g *graphtest.Graph) error {
	ran := consensus.New(config(g))
	var restored []*consensus.Engine
	for i, ev := range g.Events {
		want := ran.Insert(ev)
		for from, twin := range restored {
			if err := sameRounds(twin.Insert(ev), want); err != nil {
				return fmt.Errorf("a node started from a snapshot equals one that ran on: number %d, at event %d: %w",
					from, i+1, err)
			}
		}
		if len(want) == 0 {
			continue
		}
		twin, err := consensus.Restore(config(g), ran.Snapshot())
		if err != nil {
			return err
		}
		restored = append(restored, twin)
	}
	return nil
}
