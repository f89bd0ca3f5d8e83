//go:build unix

package chaos

import (
	"testing"
	"time"
)

// A node hangs for a while, as a virtual machine that is moved, longer than its peers wait for it. The others go on
// without it, its clients stay connected, and it catches up.
func TestOneNodeHangs(t *testing.T) {
	for _, pause := range pauses() {
		t.Run(pause.String(), func(t *testing.T) {
			w := newWorld(t)
			w.flows(0, 1, 2, 3)
			w.Pause(3)
			time.Sleep(pause / 2)
			t.Logf("without node 3 order went on after %v", w.flows(0, 1, 2))
			time.Sleep(pause / 2)
			w.Resume(3)
			t.Logf("node 3 has caught up after %v", w.flows(0, 1, 2, 3))
			w.finish()
		})
	}
}

func pauses() []time.Duration {
	if long {
		return []time.Duration{time.Second, 3 * time.Second, 8 * time.Second, 20 * time.Second}
	}
	return []time.Duration{3 * time.Second}
}
