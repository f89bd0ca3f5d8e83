package abuse

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// pace is how often the good client publishes.
const pace = 5 * time.Millisecond

// good is a client that publishes at QoS 1 all the time and receives what it has published.
type good struct {
	*client.Client
	start time.Time
	quit  chan struct{}
	done  chan struct{} // closed when nothing more is published

	mu       sync.Mutex
	sent     uint64          // guarded by mu
	took     []time.Duration // from publish to receipt since the last reset; guarded by mu
	received uint64          // guarded by mu
	lost     bool            // or twice, or out of order; guarded by mu
	failed   error           // of a publish; guarded by mu
}

// goodTopic is what the good client publishes to.
const goodTopic = "good/news"

func startGood(t *testing.T, c *cluster.Cluster) *good {
	t.Helper()
	g := &good{start: time.Now(), quit: make(chan struct{}), done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), cluster.Patience)
	defer cancel()
	var err error
	g.Client, err = client.Dial(ctx, c.Nodes[0].MQTT, client.Options{ClientID: "good", OnMessage: g.receive})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if err := g.Subscribe(ctx, goodTopic, 1); err != nil {
		t.Fatal(err)
	}
	go g.publish()
	return g
}

// publish publishes until quit is closed. Each message holds its number and when it was due, so that those that could not go
// in time count as late.
func (g *good) publish() {
	defer close(g.done)
	for due := time.Since(g.start); ; due += pace {
		select {
		case <-g.quit:
			return
		case <-time.After(due - time.Since(g.start)):
		}
		g.mu.Lock()
		payload := binary.BigEndian.AppendUint64(nil, g.sent)
		g.sent++
		g.mu.Unlock()
		payload = binary.BigEndian.AppendUint64(payload, uint64(due))
		if err := g.PublishAsync(goodTopic, payload, 1, g.acknowledged); err != nil {
			g.acknowledged(err)
			return
		}
	}
}

func (g *good) acknowledged(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = err
	}
}

func (g *good) receive(p *mqtt.Publish) {
	g.mu.Lock()
	defer g.mu.Unlock()
	number, due := binary.BigEndian.Uint64(p.Payload), binary.BigEndian.Uint64(p.Payload[8:])
	g.lost = g.lost || number != g.received
	g.received++
	g.took = append(g.took, time.Since(g.start)-time.Duration(due))
}

// reset forgets how long messages have taken so far.
func (g *good) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.took = nil
}

// latency returns the median and the 99th percentile since the last reset, in ms.
func (g *good) latency() (p50, p99 float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	slices.Sort(g.took)
	at := func(percent int) float64 { return float64(g.took[len(g.took)*percent/100]) / float64(time.Millisecond) }
	return at(50), at(99)
}

// awaitMessages waits until n more messages have come back.
func (g *good) awaitMessages(t *testing.T, n uint64) {
	t.Helper()
	want := g.count() + n
	await(t, "the good client's messages", func() bool { return g.count() >= want || g.hasFailed() })
	g.check(t)
}

func (g *good) count() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.received
}

func (g *good) hasFailed() bool {
	select {
	case <-g.Done():
		return true
	default:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost || g.failed != nil
}

// check fails the test if the good client has met with anything but good.
func (g *good) check(t *testing.T) {
	t.Helper()
	if g.hasFailed() {
		g.mu.Lock()
		defer g.mu.Unlock()
		t.Fatalf("after %d messages of %d; out of order: %v; refused: %v", g.received, g.sent, g.lost, g.failed)
	}
}

// finish publishes no more, and waits for what is on its way.
func (g *good) finish(t *testing.T) {
	t.Helper()
	close(g.quit)
	<-g.done
	g.mu.Lock()
	sent := g.sent
	g.mu.Unlock()
	await(t, "the good client's last messages", func() bool { return g.count() >= sent || g.hasFailed() })
	g.check(t)
}
