package sim

import (
	"flag"
	"fmt"
	"testing"
)

var (
	seeds = flag.Int("seeds", 1000, "how many seeds TestSeeds runs")
	seed  = flag.Uint64("seed", 0, "the only seed that TestSeeds runs, if not 0")
)

// shards is how many goroutines the seeds are spread over at most.
const shards = 8

// TestSeeds runs one random scenario after another. Each must keep every promise.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		runSeed(t, *seed)
		return
	}
	for shard := range shards {
		t.Run(fmt.Sprintf("shard %d", shard), func(t *testing.T) {
			t.Parallel()
			for s := shard + 1; s <= *seeds; s += shards {
				runSeed(t, uint64(s))
			}
		})
	}
}

func runSeed(t *testing.T, seed uint64) {
	t.Helper()
	sc := Random(seed)
	r, failure := New(sc).Run()
	if failure != nil {
		t.Fatalf("seed %d: %v\n%+v\nrepeat with: go test ./internal/sim -run TestSeeds -seed=%d", seed, failure, sc, seed)
	}
	t.Logf("seed %d: n=%d, %d rounds, %d events, %d steps, %v virtual", seed, sc.Members, r.Rounds, r.Events, r.Steps, r.Elapsed)
}
