package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

var (
	seeds = flag.Int("seeds", 1000, "how many seeds TestSeeds runs")
	seed  = flag.Uint64("seed", 0, "the only seed that TestSeeds runs, if not 0")
)

// long tells whether everything runs, and for longer.
var long = os.Getenv("FOXMQ_LONG") != ""

// TestMain lets garbage lie for longer: worlds are small, and soon gone as a whole.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// shards is how many parts the seeds are spread over.
const shards = 8

// briefRounds is for how many decided rounds TestSeeds runs a cluster without FOXMQ_LONG: for more than an engine keeps,
// so that events expire.
const briefRounds = 30

// TestSeeds runs one random scenario after another, each for at least 50 decided rounds, or briefRounds. Each must keep
// every promise.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		runSeed(t, *seed)
		return
	}
	n := *seeds
	if testing.Short() {
		n = min(n, 100)
	}
	for shard := range shards {
		t.Run(fmt.Sprintf("shard %d", shard), func(t *testing.T) {
			t.Parallel()
			for s := shard + 1; s <= n; s += shards {
				runSeed(t, uint64(s))
			}
		})
	}
}

func runSeed(t *testing.T, seed uint64) {
	t.Helper()
	sc := Random(seed)
	if !long {
		sc.Rounds = min(sc.Rounds, briefRounds)
	}
	r, failure := New(sc).Run()
	if failure != nil {
		t.Error(Report(sc, failure))
		return
	}
	if r.Rounds < sc.Rounds && !sc.Safety {
		t.Errorf("seed %d: %d rounds", seed, r.Rounds)
	}
	t.Logf("seed %d: n=%d, %d rounds, %d events, %d steps, %v virtual",
		seed, sc.Members, r.Rounds, r.Events, r.Steps, r.Elapsed)
}

// TestTrace runs seeds twice: one seed is one trace.
func TestTrace(t *testing.T) {
	t.Parallel()
	for s := range uint64(10) {
		first, failure := New(Random(s)).Run()
		second, again := New(Random(s)).Run()
		if failure != nil || again != nil {
			t.Fatalf("seed %d: %v, %v", s, failure, again)
		}
		if first.Trace != second.Trace {
			t.Errorf("seed %d: two traces", s)
		}
	}
}
