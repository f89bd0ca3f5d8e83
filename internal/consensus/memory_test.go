package consensus_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
)

// TestMemory shows that an engine holds the events of the rounds kept, and of ordered ones no more than the event.
func TestMemory(t *testing.T) {
	const n, kept = 4, 6
	events := gossip(t, n, 6000, 2, 4)
	e := consensus.New(consensus.Config{Members: n, RoundsKept: kept})
	for _, ev := range events {
		e.Insert(ev)
		if held := len(e.Snapshot().Events); held > (kept+5)*n*6 {
			t.Fatalf("holds %d events", held)
		}
	}
	if got, bound := e.Vertices(), 6*n*6; got > bound {
		t.Errorf("holds %d vertices, want at most %d", got, bound)
	}
}
