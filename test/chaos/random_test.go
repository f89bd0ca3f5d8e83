package chaos

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// What the run of random faults is like: make chaos gives these.
var (
	chaosSeed    = flag.Uint64("seed", 0, "what the random faults are drawn from; 0: FOXMQ_SEED")
	chaosMinutes = flag.Float64("minutes", 0.4, "for how long random faults happen")
	chaosFaults  = flag.String("faults", strings.Join(allFaults, ","), "the kinds of random faults")
)

// Faults drawn from a seed befall the nodes one after the other, each when all nodes are ready again after the last,
// while clients publish and receive and go from node to node. Afterwards nothing that was acknowledged is lost,
// everybody has received the same in one order, and the nodes have one stream and retain the same.
func TestRandomFaults(t *testing.T) {
	s := newStorm(t, stormConfig{Config: cluster.Config{Seed: chaosSeedOr(seed())}})
	kinds := strings.Split(*chaosFaults, ",")
	for _, kind := range kinds {
		if !slices.Contains(allFaults, kind) {
			t.Fatalf("there is no fault %q", kind)
		}
	}
	rng := rand.New(rand.NewPCG(s.config.Seed, 1))
	s.settle()
	s.flows()
	counts, most, lasts := map[string]int{}, longest, time.Duration(*chaosMinutes*float64(time.Minute))
	if lasts < 2*time.Minute {
		most = longestSoon
	}
	for ends := time.Now().Add(lasts); time.Now().Before(ends); {
		f := draw(rng, kinds, s.config.Nodes, most)
		s.strike(f)
		counts[f.kind]++
		time.Sleep(time.Duration(rng.Int64N(int64(time.Second))))
	}
	t.Logf("seed %d: %v", s.config.Seed, counts)
	s.finish()
}

func chaosSeedOr(other uint64) uint64 {
	if *chaosSeed != 0 {
		return *chaosSeed
	}
	return other
}
