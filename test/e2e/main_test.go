// Package e2e tests the promise of the project on real processes: what clients on all nodes publish, clients on
// all nodes receive in one order.
package e2e

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
