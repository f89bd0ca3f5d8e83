package consensus_test

import (
	"os"
	"runtime"
	"testing"
	"time"

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

// TestForever lets one engine take in events, ten million of them in a long run. A round takes two events of each
// member, and not three, so there is a bound to what the engine may hold at any time. That the last events cost no
// more than the first is for whoever reads the log.
func TestForever(t *testing.T) {
	const (
		n        = 4
		batch    = 1000
		held     = (consensus.DefaultRoundsKept + 4) * 3 * n
		vertices = 4 * 3 * n
	)
	parts, batches := 4, 25
	if os.Getenv("FOXMQ_LONG") != "" {
		parts, batches = 10, 1000
	}
	c := newCrew(t, n, false)
	e := consensus.New(consensus.Config{Members: n})
	for part := range parts {
		var inserting time.Duration
		for range batches {
			events := c.take(batch)
			start := time.Now()
			insertAll(e, events)
			inserting += time.Since(start)
			if e.Held() > held {
				t.Fatalf("holds %d events, want at most %d", e.Held(), held)
			}
		}
		t.Logf("part %d: %d ns per event, %d B of heap", part+1, int(inserting)/(batches*batch), heap())
	}
	if e.Vertices() > vertices {
		t.Errorf("held %d vertices, want at most %d", e.Vertices(), vertices)
	}
}

// heap returns how many bytes are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
