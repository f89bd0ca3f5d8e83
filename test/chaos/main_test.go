// Package chaos lets things go wrong between and under four real nodes while clients on all of them publish, and
// holds the cluster to its word (docs/semantics.md): everybody receives the same in the same order, nothing that was
// acknowledged is lost, each publisher's messages keep their order, and once the fault is over, order goes on without
// anybody's hand and the cluster falls silent when its clients do.
//
// Most tests are scripts. world_test.go has what these say, record_test.go and publisher_test.go the clients, each of
// which stays with its node; test/cluster does the harm.
//
// The others let clients roam (package roam) while nodes and network suffer, and let package verdict judge what these
// have seen. storm_test.go has such a cluster, faults_test.go what befalls it, random_test.go the test that draws faults
// from a seed: make chaos SEED=7 MINUTES=60 FAULTS=kill,cut.
//
// FOXMQ_SEED is the seed of the network's mischief, FOXMQ_LONG runs everything and for longer, and FOXMQ_BUILD=-race
// puts the nodes under the race detector.
package chaos

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Cleanup()
	os.Exit(code)
}

// long tells whether there is time.
var long = os.Getenv("FOXMQ_LONG") != ""

// onlyLong skips a test that a change need not pass every time.
func onlyLong(t *testing.T) {
	t.Helper()
	if !long {
		t.Skip("takes long; set FOXMQ_LONG")
	}
}

// brief returns the first duration, or the second if there is time.
func brief(short, ample time.Duration) time.Duration {
	if long {
		return ample
	}
	return short
}

// seed returns what the network draws from.
func seed() uint64 {
	if s, err := strconv.ParseUint(os.Getenv("FOXMQ_SEED"), 10, 64); err == nil {
		return s
	}
	return 1
}
