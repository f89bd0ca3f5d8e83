// Package traitor sets a member that has its key and breaks every rule against three real nodes, which go on. FOXMQ_LONG
// lets them go on for longer.
package traitor

import (
	"os"
	"testing"

	"github.com/foxmq/foxmq/test/cluster"
)

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Cleanup()
	os.Exit(code)
}

// messages is how many of the messages of the long form the short one publishes: a flood leaves each of them a tenth of a
// second of a busy machine.
func messages(long int) int {
	if os.Getenv("FOXMQ_LONG") != "" {
		return long
	}
	return long / 5
}
