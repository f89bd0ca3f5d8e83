// Package abuse lets somebody do harm to a real process from some addresses, and looks at what it does to a good client
// at another.
//
// Each attack is an entry of attacks, and runs in a process of its own (attacker_test.go), so that it takes from the good
// client (good_test.go) nothing but what it takes from the node. TestAttacks lets all of them have a short go at one node;
// make abuse lets each have one of some seconds at a node of its own, and prints what the good client felt of it.
package abuse

import (
	"os"
	"testing"

	"github.com/foxmq/foxmq/test/cluster"
)

func TestMain(m *testing.M) {
	if order := os.Getenv(orderVariable); order != "" {
		os.Exit(obey(order))
	}
	code := m.Run()
	cluster.Cleanup()
	os.Exit(code)
}
