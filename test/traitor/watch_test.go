package traitor

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// honest are the nodes that keep to the rules.
var honest = []int{0, 1, 2}

// watch has a client at each honest node, which publish in turn and receive all.
type watch struct {
	clients []*client.Client
	sent    int

	mu       sync.Mutex
	received [][]string // by node; guarded by mu
}

func newWatch(t *testing.T, c *cluster.Cluster) *watch {
	t.Helper()
	w := &watch{received: make([][]string, len(honest))}
	ctx, cancel := context.WithTimeout(t.Context(), cluster.Patience)
	defer cancel()
	for _, node := range honest {
		of, err := client.Dial(ctx, c.Nodes[node].MQTT, client.Options{OnMessage: func(p *mqtt.Publish) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.received[node] = append(w.received[node], string(p.Payload))
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(of.Close)
		if err := of.Subscribe(ctx, "order", 1); err != nil {
			t.Fatal(err)
		}
		w.clients = append(w.clients, of)
	}
	return w
}

// expectOrder publishes further messages, each at the next node and once the one before it is acknowledged, and checks that
// all nodes deliver all in one order.
func (w *watch) expectOrder(t *testing.T, messages int) {
	t.Helper()
	for range messages {
		w.publish(t)
	}
	await(t, "all messages", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return !slices.ContainsFunc(w.received, func(r []string) bool { return len(r) < w.sent })
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	for node, r := range w.received {
		if !slices.Equal(r, w.received[0]) {
			t.Errorf("nodes 0 and %d deliver in different orders", node)
		}
		for i, payload := range r {
			if payload != strconv.Itoa(i) {
				t.Fatalf("node %d delivers %s in place of %d", node, payload, i)
			}
		}
	}
}

// publish publishes the next message, and returns when it is acknowledged.
func (w *watch) publish(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cluster.Patience)
	defer cancel()
	of := w.clients[w.sent%len(w.clients)]
	if err := of.Publish(ctx, "order", fmt.Appendf(nil, "%d", w.sent), 1, false); err != nil {
		t.Fatalf("message %d: %v", w.sent, err)
	}
	w.sent++
}

// metrics are those of a node, by name and labels, without foxmq_.
type metrics map[string]float64

// look asks a node for its metrics.
func look(t *testing.T, c *cluster.Cluster, node int) metrics {
	t.Helper()
	var body []byte
	await(t, "metrics", func() (ok bool) {
		var err error
		body, err = c.Metrics(node)
		return err == nil
	})
	m := metrics{}
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if number, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil && at > 0 {
			m[strings.TrimPrefix(lines.Text()[:at], "foxmq_")] = number
		}
	}
	return m
}

// of returns what a metric says of a member.
func (m metrics) of(name string, member int) float64 {
	return m[fmt.Sprintf("%s{peer=%q}", name, fmt.Sprint(member))]
}

// accusations are the metrics that say of a member what no correct one does.
var accusations = []string{
	"peer_malformed_total", "peer_breaches_total", "peer_crowdings_total", "peer_kept_away_seconds",
	"node_peer_forks_total", "node_peer_bad_signatures_total", "node_peer_slowed_seconds",
}

// expectTrust checks that no honest node accuses another.
func expectTrust(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, node := range honest {
		m := look(t, c, node)
		for _, other := range honest {
			for _, name := range accusations {
				if count := m.of(name, other); count != 0 {
					t.Errorf("node %d says of %d: %s %v", node, other, name, count)
				}
			}
		}
	}
}

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(cluster.Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %v for %s", cluster.Patience, what)
		}
	}
}
