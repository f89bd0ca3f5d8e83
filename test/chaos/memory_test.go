package chaos

import (
	"testing"
	"time"
)

// maxMemory is what a node may occupy in these tests, in bytes: what is kept for peers that lag, a full pool and
// room for the rest.
const maxMemory = 512 << 20

// One node is down for a minute under load. What the others keep for it is bounded.
func TestMemoryWhileOneIsDown(t *testing.T) {
	onlyLong(t)
	w := newWorld(t)
	w.flows(0, 1, 2, 3)
	w.kill(3)
	for range 6 {
		time.Sleep(10 * time.Second)
		w.flows(0, 1, 2)
		for i := range 3 {
			used, known := w.Memory(i)
			if !known {
				t.Skip("this system does not tell how much memory a process occupies")
			}
			s, err := w.Status(i)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("node %d: %d MiB, %d own events, index %d", i, used>>20, s.Node.Own, s.Node.Index)
			if used > maxMemory {
				t.Errorf("node %d occupies %d MiB", i, used>>20)
			}
		}
	}
}
