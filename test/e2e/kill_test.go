package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/test/cluster"
)

// One of four nodes is killed at a random moment while eight publishers publish, so that events of it are undecided.
// The survivors must record the same, with everything in it that was acknowledged to its publisher, and the dead
// node's record must be a prefix.
//
// FOXMQ_SEED repeats one seed; FOXMQ_LONG runs 100 seeds instead of 3; FOXMQ_FAILOVER sets their number. Each run
// tells how long order paused, as a survivor's subscriber saw it (make bench-failover).
func TestKillOneOfFour(t *testing.T) {
	var pauses []time.Duration
	for _, seed := range killSeeds() {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { pauses = append(pauses, killRun(t, seed)) })
	}
	slices.Sort(pauses)
	if n := len(pauses); n > 0 {
		t.Logf("%d kills; order paused for %v at most, %v in the median", n, pauses[n-1], pauses[n/2])
	}
}

func killSeeds() []uint64 {
	if s, err := strconv.ParseUint(os.Getenv("FOXMQ_SEED"), 10, 64); err == nil {
		return []uint64{s}
	}
	runs := 3
	if os.Getenv("FOXMQ_LONG") != "" {
		runs = 100
	}
	if n, err := strconv.Atoi(os.Getenv("FOXMQ_FAILOVER")); err == nil {
		runs = n
	}
	seeds := make([]uint64, runs)
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	return seeds
}

// publisher publishes numbered messages and keeps what was acknowledged.
type publisher struct {
	name string
	node int
	c    *client.Client

	mu    sync.Mutex
	acked []string // payloads; guarded by mu
}

// run publishes at a steady pace until stop is closed or its node is gone.
func (p *publisher) run(stop <-chan struct{}) {
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for i := 0; ; i++ {
		payload, qos := message(p.name, i), byte(i%3)
		err := p.c.PublishAsync(topicOf(i), []byte(payload), qos, func(err error) {
			if err == nil && qos > 0 {
				p.mu.Lock()
				p.acked = append(p.acked, payload)
				p.mu.Unlock()
			}
		})
		if err != nil {
			return
		}
		select {
		case <-stop:
			return
		case <-pace.C:
		}
	}
}

// killRun returns for how long order paused.
func killRun(t *testing.T, seed uint64) time.Duration {
	t.Logf("repeat with FOXMQ_SEED=%d go test ./test/e2e -run TestKillOneOfFour", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	c := cluster.Start(t, 4)
	records := make([]*record, 4)
	for i, n := range c.Nodes {
		records[i], _ = subscribeAll(t, n.MQTT, fmt.Sprintf("recorder-%d", i))
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	publishers := make([]*publisher, 8)
	for i := range publishers {
		p := &publisher{name: fmt.Sprintf("publisher-%d", i), node: i % 4}
		p.c = dial(t, c.Nodes[p.node].MQTT, client.Options{ClientID: p.name})
		publishers[i] = p
		wg.Go(func() { p.run(stop) })
	}

	victim := rng.IntN(4)
	time.Sleep(time.Duration(200+rng.IntN(800)) * time.Millisecond)
	survivor := records[(victim+1)%4]
	survivor.watch()
	c.Kill(victim)
	orderResumes(t, c, victim)
	time.Sleep(300 * time.Millisecond)
	pause := survivor.longestGap()
	t.Logf("node %d killed; order paused for %v at most", victim, pause)
	close(stop)
	wg.Wait()
	for _, p := range publishers {
		if p.node != victim {
			if err := p.c.Flush(patience(t)); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		}
	}
	assertSurvivorsAgree(t, c, records, publishers, victim)
	return pause
}

// orderResumes connects to a survivor and publishes through it, again and again.
func orderResumes(t *testing.T, c *cluster.Cluster, victim int) {
	t.Helper()
	probe := dial(t, c.Nodes[(victim+1)%4].MQTT, client.Options{ClientID: "probe"})
	for i := range 20 {
		if err := probe.Publish(patience(t), "race/probe", []byte(message("probe", i)), 1, false); err != nil {
			t.Fatalf("order does not resume: %v", err)
		}
	}
}

func assertSurvivorsAgree(t *testing.T, c *cluster.Cluster, records []*record, publishers []*publisher, victim int) {
	t.Helper()
	// A last message through each survivor, of which each record must hold all: what stands before it is complete.
	var last []string
	for i, n := range c.Nodes {
		if i == victim {
			continue
		}
		name := fmt.Sprintf("last-%d", i)
		if err := dial(t, n.MQTT, client.Options{ClientID: name}).Publish(
			patience(t), "race/last", []byte(message(name, 0)), 2, false); err != nil {
			t.Fatal(err)
		}
		last = append(last, message(name, 0))
	}
	got := map[int][]string{}
	for i, r := range records {
		if i != victim {
			got[i] = r.waitFor(t, "the last messages", func(lines []string) bool {
				tail := payloads(lines[max(0, len(lines)-50):])
				return !slices.ContainsFunc(last, func(l string) bool { return !slices.Contains(tail, l) })
			})
		}
	}
	survivor := got[(victim+1)%4]
	for i, lines := range got {
		// Only prefixes: what the dead node had sent off may still come in while the test looks.
		assertPrefix(t, fmt.Sprintf("node %d", i), lines, "another survivor", survivor)
	}
	assertPublisherOrder(t, survivor)
	dead := records[victim].snapshot()
	assertPrefix(t, "the dead node", dead, "a survivor", survivor)
	if len(dead) > len(survivor) {
		t.Errorf("the dead node delivered %d messages, the survivors %d", len(dead), len(survivor))
	}
	delivered := map[string]bool{}
	for _, p := range payloads(survivor) {
		delivered[p] = true
	}
	for _, p := range publishers {
		p.mu.Lock()
		for _, payload := range p.acked {
			if !delivered[payload] {
				t.Errorf("%q was acknowledged on node %d and is lost", payload, p.node)
			}
		}
		t.Logf("%s on node %d: %d acknowledged", p.name, p.node, len(p.acked))
		p.mu.Unlock()
	}
}
