package chaos

import (
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// Datagrams are lost, late, doubled, out of order, or pass in one direction only. Order goes on all the same, for the
// worst of it to one node goes by the others.
func TestBadNetwork(t *testing.T) {
	for _, weather := range []struct {
		name string
		harm func(*cluster.Network)
	}{
		{"lost", func(n *cluster.Network) { n.SetAll(cluster.Link{Loss: 0.2}) }},
		{"shuffled", func(n *cluster.Network) { n.SetAll(cluster.Link{Jitter: 50 * time.Millisecond}) }},
		{"doubled", func(n *cluster.Network) { n.SetAll(cluster.Link{Duplicate: 0.5, Jitter: 5 * time.Millisecond}) }},
		{"one way", func(n *cluster.Network) { n.Set(0, 1, cluster.Link{Cut: true}) }},
		{"all of it", func(n *cluster.Network) {
			n.SetAll(cluster.Link{Loss: 0.05, Duplicate: 0.05, Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond})
			n.Set(2, 3, cluster.Link{Cut: true})
		}},
	} {
		t.Run(weather.name, func(t *testing.T) {
			if weather.name != "all of it" {
				onlyLong(t)
			}
			w := newWorld(t)
			w.flows(0, 1, 2, 3)
			weather.harm(w.Network)
			for ends := time.Now().Add(brief(3*time.Second, 20*time.Second)); time.Now().Before(ends); {
				t.Logf("in bad weather order took %v", w.flows(0, 1, 2, 3))
				time.Sleep(time.Second)
			}
			w.Network.Heal()
			t.Logf("in good weather again order took %v", w.flows(0, 1, 2, 3))
			w.finish()
		})
	}
}
