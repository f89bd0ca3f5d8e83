package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// record is what a subscriber of # on one node received, in order: "topic payload".
type record struct {
	mu    sync.Mutex
	lines []string      // guarded by mu
	last  time.Time     // when the last one came; guarded by mu
	gap   time.Duration // the longest time between two since watch; guarded by mu
	news  chan struct{}
}

// subscribeAll records everything that the node delivers at QoS 2, until the connection ends.
func subscribeAll(t *testing.T, addr, id string) (*record, *client.Client) {
	t.Helper()
	r := &record{news: make(chan struct{}, 1)}
	c := dial(t, addr, client.Options{ClientID: id, OnMessage: r.add})
	if err := c.Subscribe(patience(t), "#", 2); err != nil {
		t.Fatal(err)
	}
	return r, c
}

func (r *record) add(p *mqtt.Publish) {
	line := p.Topic + " " + string(p.Payload)
	r.mu.Lock()
	r.lines = append(r.lines, line)
	now := time.Now()
	r.gap = max(r.gap, now.Sub(r.last))
	r.last = now
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// watch begins to measure the longest time in which nothing came.
func (r *record) watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.gap = time.Now(), 0
}

// longestGap returns the longest time since watch in which nothing came.
func (r *record) longestGap() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gap
}

// snapshot returns what was received so far.
func (r *record) snapshot() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// waitFor waits until the record satisfies the condition, and fails if nothing at all arrives for Patience.
func (r *record) waitFor(t *testing.T, what string, holds func([]string) bool) []string {
	t.Helper()
	for {
		lines := r.snapshot()
		if holds(lines) {
			return lines
		}
		select {
		case <-r.news:
		case <-time.After(cluster.Patience):
			t.Fatalf("waiting for %s: nothing came for %v; %d messages so far", what, cluster.Patience, len(lines))
		}
	}
}

func dial(t *testing.T, addr string, o client.Options) *client.Client {
	t.Helper()
	c, err := client.Dial(patience(t), addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	t.Cleanup(cancel)
	return ctx
}

// message is the line that a record holds for a publisher's i-th message.
func message(publisher string, i int) string { return fmt.Sprintf("%s %d", publisher, i) }

// topicOf spreads a publisher's messages over topics that all publishers share.
func topicOf(i int) string { return fmt.Sprintf("race/%d", i%5) }

// payloads returns the record's payloads.
func payloads(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		_, out[i], _ = strings.Cut(l, " ")
	}
	return out
}

// assertSame fails where two records differ, naming the first place.
func assertSame(t *testing.T, records map[int][]string) {
	t.Helper()
	first := -1
	for node := range 64 {
		lines, ok := records[node]
		if !ok {
			continue
		}
		if first < 0 {
			first = node
			continue
		}
		assertPrefix(t, fmt.Sprintf("node %d", node), lines, fmt.Sprintf("node %d", first), records[first])
		if len(lines) != len(records[first]) {
			t.Errorf("node %d recorded %d messages, node %d %d", node, len(lines), first, len(records[first]))
		}
	}
}

// assertPrefix fails unless the shorter record is a prefix of the longer one.
func assertPrefix(t *testing.T, aName string, a []string, bName string, b []string) {
	t.Helper()
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("message %d: %s has %q, %s has %q", i, aName, a[i], bName, b[i])
		}
	}
}

// assertPublisherOrder fails if some publisher's messages are not in the order in which it published them, or
// occur twice.
func assertPublisherOrder(t *testing.T, lines []string) {
	t.Helper()
	last := map[string]int{}
	for i, p := range payloads(lines) {
		var publisher string
		var n int
		if _, err := fmt.Sscanf(p, "%s %d", &publisher, &n); err != nil {
			t.Fatalf("message %d is not ours: %q", i, p)
		}
		if before, seen := last[publisher]; seen && n <= before {
			t.Fatalf("message %d: %s's %d comes behind its %d", i, publisher, n, before)
		}
		last[publisher] = n
	}
}
