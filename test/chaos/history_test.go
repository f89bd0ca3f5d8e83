package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// What the nodes keep for one that lags is bounded. A node that was started again and needs more than that stays out,
// says so, and lets nobody in, and the other three go on without it.
func TestRestartBeyondWhatPeersKeep(t *testing.T) {
	if durable {
		t.Skip("such a node returns by its peers' state")
	}
	c := cluster.Start(t, nodes, "--connect-timeout", "1s")
	flood(t, c, "before")
	c.Kill(3)
	c.Restart(3)
	c.WaitReason(3, "lost")
	assertLoggedOnce(t, c, 3, "no peer hands out what this node missed")

	var refused *client.RefusedError
	_, err := client.Dial(patience(t), c.Nodes[3].MQTT, client.Options{ClientID: "guest"})
	if !errors.As(err, &refused) || refused.Code != mqtt.ServerUnavailable {
		t.Errorf("a lost node answers a client with %v", err)
	}
	for i := range 3 {
		say(t, c, i, fmt.Sprintf("still here %d", i))
		c.WaitReady(i)
	}
}

// The same holds for a node that was cut off for too long and has never stopped: what its clients have received is
// not contradicted.
func TestPartitionBeyondWhatPeersKeep(t *testing.T) {
	if durable {
		t.Skip("such a node returns by its peers' state")
	}
	onlyLong(t)
	c := cluster.StartBehind(t, nodes, seed())
	r := record(t, c.Nodes[3].MQTT, 3, 2, "")
	say(t, c, 0, "before 0")
	say(t, c, 3, "before 1")
	c.Network.Partition(3)
	flood(t, c, "meanwhile")
	c.Network.Heal()
	c.WaitReason(3, "lost")
	assertLoggedOnce(t, c, 3, "no peer hands out what this node missed")
	say(t, c, 0, "after 0")
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
