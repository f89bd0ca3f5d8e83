package node

import (
	"testing"

	"github.com/foxmq/foxmq/internal/consensus/driver"
)

// TestNextTick: who submits a tick when, by its own clock.
func TestNextTick(t *testing.T) {
	const at = 100 * tickInterval
	for _, test := range []struct {
		name    string
		self    int
		wait    *deadline
		ticked  int64
		ticking bool
		state   driver.State
		want    int64
	}{
		{"nothing to wait for", 0, nil, 0, false, driver.Active, 0},
		{"the node itself", 2, &deadline{at, 2}, 0, false, driver.Active, at},
		{"the next one", 3, &deadline{at, 2}, 0, false, driver.Active, at + tickInterval},
		{"around the book", 1, &deadline{at, 2}, 0, false, driver.Active, at + 3*tickInterval},
		{"again", 2, &deadline{at, 2}, at + 5, false, driver.Active, at + 5 + tickInterval},
		{"on its way", 2, &deadline{at, 2}, at + 5, true, driver.Active, 0},
		{"behind", 2, &deadline{at, 2}, 0, false, driver.Behind, 0},
	} {
		n := &Node{cfg: Config{Self: test.self}, peers: make([]*mailbox, 4)}
		n.picture.Store(&driver.Status{State: test.state})
		n.deadline.Store(test.wait)
		n.ticking.Store(test.ticking)
		if got := (&loop{node: n, ticked: test.ticked}).nextTick(); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}
