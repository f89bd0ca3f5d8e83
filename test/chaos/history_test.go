package chaos

import (
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/test/cluster"
)

// A node that was cut off while more passed than its peers keep for it, and has never stopped, returns by their state. What
// its clients have received is not contradicted: their connections end, and nothing comes to them that skips something.
func TestPartitionBeyondWhatPeersKeep(t *testing.T) {
	onlyLong(t)
	c := cluster.StartBehind(t, nodes, seed())
	r := record(t, c.Nodes[3].MQTT, 3, 2, "")
	say(t, c, 0, "before 0")
	say(t, c, 3, "before 1")
	c.Network.Partition(3)
	flood(t, c, "meanwhile")
	c.Network.Heal()
	c.WaitReason(3, "lost")
	assertLoggedOnce(t, c, 3, "no peer hands out the events that this node missed")
	c.WaitReady(3)
	say(t, c, 3, "after 0")
	if got := r.snapshot(); !slices.Equal(got, []string{"before 0", "before 1"}) {
		t.Errorf("clients of the lost node received %.100q", got)
	}
}

// say publishes a message on a node and waits until it is acknowledged.
func say(t *testing.T, c *cluster.Cluster, node int, payload string) {
	t.Helper()
	p := dial(t, c.Nodes[node].MQTT, client.Options{ClientID: "speaker"})
	defer p.Disconnect()
	if err := p.Publish(patience(t), "chaos/say", []byte(payload), 2, false); err != nil {
		t.Fatalf("%q on node %d: %v", payload, node, err)
	}
}

// flood publishes on node 0 more than any node keeps.
func flood(t *testing.T, c *cluster.Cluster, name string) {
	t.Helper()
	p := dial(t, c.Nodes[0].MQTT, client.Options{ClientID: name})
	defer p.Disconnect()
	payload := []byte(name + strings.Repeat(" ", 1<<20))
	for range 150 {
		if err := p.Publish(patience(t), "chaos/flood", payload, 1, false); err != nil {
			t.Fatal(err)
		}
	}
}

func assertLoggedOnce(t *testing.T, c *cluster.Cluster, node int, text string) {
	t.Helper()
	n := 0
	for _, line := range c.Log(node) {
		if strings.Contains(line, text) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("node %d logged %d times %q", node, n, text)
	}
}
