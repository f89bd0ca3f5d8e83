package traitor

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// mostMemory is what a node may occupy under any attack, in MiB.
const mostMemory = 512

// attack is one way to break the rules.
type attack struct {
	run  func(*line) error // on one connection, until that ends
	told []string          // metrics by member that say so at each node, whatever else the machine does
	cut  bool              // the traitor is kept away for it
}

// TestATraitorHarmsNobody: a member attacks all others at once, again whenever it is cut off. Meanwhile what clients publish
// is ordered and delivered, the nodes name the member, stay small, and accuse nobody else.
func TestATraitorHarmsNobody(t *testing.T) {
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			c := cluster.Start(t, 4)
			c.Kill(self)
			m, w := newTraitor(t, c), newWatch(t, c)
			w.expectOrder(t, messages(30))
			before := round(t, c)
			defer m.attack(t.Context(), a)()
			w.expectOrder(t, messages(30))
			for _, metric := range a.told {
				for _, node := range honest {
					await(t, metric, func() bool { return look(t, c, node).of(metric, self) > 0 })
				}
			}
			w.expectOrder(t, messages(60))
			if after := round(t, c); after <= before {
				t.Errorf("round %d after %d", after, before)
			}
			expectBounds(t, c)
			expectTrust(t, c)
			if a.cut {
				expectCut(t, c)
			}
		})
	}
}

// attack attacks all honest nodes at once until the function that it returns is called.
func (m *traitor) attack(ctx context.Context, a attack) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var attackers sync.WaitGroup
	for _, node := range honest {
		attackers.Go(func() {
			for ctx.Err() == nil {
				m.assault(ctx, node, a)
				time.Sleep(time.Millisecond)
			}
		})
	}
	return func() { cancel(); attackers.Wait() }
}

// assault is one connection's worth of an attack.
func (m *traitor) assault(ctx context.Context, node int, a attack) {
	conn, err := m.dial(ctx, node)
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.CloseWithError(0, "") })()
	defer func() { _ = conn.CloseWithError(0, "") }()
	l, err := m.greet(conn)
	if err != nil {
		return
	}
	_ = a.run(l) // that it is cut off is as it should be
}

func round(t *testing.T, c *cluster.Cluster) (round uint64) {
	t.Helper()
	await(t, "a status", func() bool {
		s, err := c.Status(0)
		round = s.Node.Round
		return err == nil
	})
	return round
}

// expectBounds checks what the nodes keep for the traitor.
func expectBounds(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, node := range honest {
		m := look(t, c, node)
		if occupied := m["memory_resident_bytes"] / (1 << 20); occupied > mostMemory {
			t.Errorf("node %d occupies %.0f MiB", node, occupied)
		}
		if missing := m["node_missing_events"]; missing > 5000 {
			t.Errorf("node %d asks for %v events", node, missing)
		}
		if inbound := m["gossip_inbound_connections"]; inbound > 100 {
			t.Errorf("node %d has %v incoming connections", node, inbound)
		}
	}
}

// expectCut waits until the traitor has no connection and may have none; between two penalties it may.
func expectCut(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, node := range honest {
		await(t, "the traitor to be cut off", func() bool {
			m := look(t, c, node)
			return m.of("peer_connected", self) == 0 && m.of("peer_kept_away_seconds", self) > 0
		})
	}
}
