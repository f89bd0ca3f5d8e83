// Package abuse lets somebody do harm to a real process from one address, and looks at what it does to a good client
// at another.
package abuse

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
