// Package stealth tests what a node that is to be silent (--silent-connect-errors) tells whom it refuses, on each of its
// listeners: nothing; and that an address which misbehaves on one of them is kept out there.
package stealth

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
