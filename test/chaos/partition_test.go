package chaos

import (
	"testing"
	"time"
)

// One node is cut off from the other three and comes back. The three go on; what the fourth's clients publish
// meanwhile is acknowledged when it is back, and not before.
func TestPartitionOneFromThree(t *testing.T) {
	w := newWorld(t)
	w.flows(0, 1, 2, 3)
	w.Network.Partition(2)
	t.Logf("without node 2 order went on after %v", w.flows(0, 1, 3))
	w.stalls(func() { time.Sleep(brief(3*time.Second, 20*time.Second)) }, 2)
	w.flows(0, 1, 3)
	w.Network.Heal()
	t.Logf("node 2 has caught up after %v", w.flows(2))
	w.finish()
}

// The cluster is cut in halves, neither of which is a supermajority. Nobody orders anything meanwhile; when the
// halves meet again, everything that waited is ordered.
func TestPartitionInHalves(t *testing.T) {
	w := newWorld(t)
	w.flows(0, 1, 2, 3)
	w.Network.Partition(1, 3)
	w.stalls(func() {
		for i := range nodes {
			w.WaitReason(i, "no quorum")
		}
		time.Sleep(brief(0, 20*time.Second))
	}, 0, 1, 2, 3)
	w.Network.Heal()
	t.Logf("order resumed after %v", w.flows(0, 1, 2, 3))
	w.finish()
}
