package literal_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "run the graph of this seed only")
	graphsFlag = flag.Int("graphs", 0, "run the graphs of the seeds 1 to this; 0 means as many as fit into a quarter of a minute")
)

// graphs is how many seeds the tests of this package run.
func graphs() int {
	switch {
	case *graphsFlag > 0:
		return *graphsFlag
	case testing.Short():
		return 1000
	case os.Getenv("FOXMQ_LONG") != "":
		return 500_000
	}
	return 10_000
}

// forEachGraph runs check on the graphs of the seeds from 1 to last, in parallel, and reports each failure with its
// seed and with the command that repeats it.
func forEachGraph(t *testing.T, last int, check func(*graphtest.Graph) error) {
	name := t.Name()
	run := func(t *testing.T, seed uint64) {
		g := graph(seed)
		if err := check(g); err != nil {
			t.Errorf("seed %d (%s, %d members): %v\nrepeat: go test ./internal/consensus/literal -run '^%s$' -seed=%d",
				seed, g.Kind, g.Members, err, name, seed)
		}
	}
	if *seedFlag != 0 {
		run(t, *seedFlag)
		return
	}
	const lanes = 8
	for lane := range lanes {
		t.Run(fmt.Sprint(lane), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(lane + 1); seed <= uint64(last) && !t.Failed(); seed += lanes {
				run(t, seed)
			}
		})
	}
}

func graph(seed uint64) *graphtest.Graph {
	return graphtest.Random(seed, open)
}

func open(members, coinPeriod, roundsKept int) graphtest.View {
	return consensus.New(consensus.Config{Members: members, CoinPeriod: coinPeriod, RoundsKept: roundsKept})
}

// config is that of an engine for the graph.
func config(g *graphtest.Graph) consensus.Config {
	return consensus.Config{Members: g.Members, CoinPeriod: g.CoinPeriod, RoundsKept: g.RoundsKept}
}
