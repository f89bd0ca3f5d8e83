package node_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

// What the publishers of BenchmarkDurability do.
const (
	benchPublishers = 100
	benchInFlight   = 10 // messages of a publisher that are not applied yet
	benchMessage    = 256
	benchMessages   = 500 // of each publisher, in one run
)

// BenchmarkDurability compares what a cluster costs that keeps nothing with one that writes, and one that syncs, what it
// must not lose: the time and the processor's time of all nodes together until 100 publishers have had their messages
// applied by their nodes. The three take turns; what is reported are the medians, and those of the ratios within a
// turn. -benchtime 7x is seven turns.
func BenchmarkDurability(b *testing.B) {
	for _, nodes := range []int{1, 4} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			var turns []durabilityTurn
			for b.Loop() {
				turns = append(turns, durabilityTurn{
					none:  runPublishers(b, nodes, nil),
					flush: runPublishers(b, nodes, &store.Config{Durability: store.Flush}),
					sync:  runPublishers(b, nodes, &store.Config{Durability: store.Sync}),
				})
			}
			reportTurns(b, turns)
		})
	}
}

// usage is what a run took.
type usage struct{ wall, cpu time.Duration }

type durabilityTurn struct{ none, flush, sync usage }

func reportTurns(b *testing.B, turns []durabilityTurn) {
	median := func(of func(t durabilityTurn) float64) float64 {
		var all []float64
		for _, t := range turns {
			all = append(all, of(t))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	rate := func(u usage) float64 { return benchPublishers * benchMessages / u.wall.Seconds() }
	b.ReportMetric(median(func(t durabilityTurn) float64 { return rate(t.none) }), "none-msg/s")
	b.ReportMetric(median(func(t durabilityTurn) float64 { return rate(t.flush) / rate(t.none) }), "flush/none")
	b.ReportMetric(median(func(t durabilityTurn) float64 { return rate(t.sync) / rate(t.flush) }), "sync/flush")
	b.ReportMetric(median(func(t durabilityTurn) float64 { return float64(t.flush.cpu) / float64(t.none.cpu) }), "flush/none-cpu")
	b.ReportMetric(median(func(t durabilityTurn) float64 { return float64(t.sync.cpu) / float64(t.flush.cpu) }), "sync/flush-cpu")
	b.ReportMetric(median(func(t durabilityTurn) float64 {
		return float64(t.none.cpu.Microseconds()) / (benchPublishers * benchMessages)
	}), "none-cpu-µs/msg")
}

// runPublishers runs a cluster, with disks unless disk is nil, until all messages are applied.
func runPublishers(b *testing.B, nodes int, disk *store.Config) usage {
	c := benchCluster(b, nodes, disk)
	defer c.stop()
	var all sync.WaitGroup
	wall, cpu := time.Now(), processorTime()
	for i := range benchPublishers {
		all.Go(func() { publishWindow(b, c.members[i%nodes].node, uint64(i)) })
	}
	all.Wait()
	return usage{time.Since(wall), processorTime() - cpu}
}

// window is a consumer that lets the publisher of each of the own results go on.
type window struct{}

// Applied implements node.Consumer.
func (window) Applied(results []replica.Result) {
	for i := range results {
		if r := &results[i]; r.Own {
			if slots, ok := r.Token.Owner.(chan struct{}); ok {
				<-slots
			}
		}
	}
}

// publishWindow connects and publishes, with a bounded number of messages in flight.
func publishWindow(b *testing.B, n *node.Node, publisher uint64) {
	slots := make(chan struct{}, benchInFlight)
	topic := fmt.Sprintf("bench/%d/topic", publisher)
	commands := []replica.Command{&replica.Connect{Connection: publisher + 1, ClientID: fmt.Sprint("p", publisher)}}
	cmd := &replica.Publish{Connection: publisher + 1, Message: replica.Message{Topic: topic, QoS: 1, Payload: make([]byte, benchMessage)}}
	for range benchMessages {
		commands = append(commands, cmd)
	}
	for _, cmd := range commands {
		slots <- struct{}{}
		if err := n.Submit(context.Background(), cmd, replica.Token{Owner: slots}); err != nil {
			b.Error(err)
			return
		}
	}
	for range benchInFlight { // all have come back
		slots <- struct{}{}
	}
}

// benched is a cluster whose stores sync in the background, as the daemon's do.
type benched struct {
	*cluster
	stop func()
}

func benchCluster(b *testing.B, nodes int, disk *store.Config) *benched {
	ctx, cancel := context.WithCancel(context.Background())
	var stores []*store.Store
	var syncing sync.WaitGroup
	dir := b.TempDir()
	c := newCluster(b, nodes, func(i int, cfg *node.Config) {
		if disk == nil {
			return
		}
		d := *disk
		d.Dir = filepath.Join(dir, fmt.Sprint(i))
		s, err := store.Open(d)
		if err != nil {
			b.Fatal(err)
		}
		cfg.Disk = s
		stores = append(stores, s)
		syncing.Go(func() { _ = s.Run(ctx) })
	})
	for i, m := range c.members {
		m.consumer = window{}
		c.start(i)
	}
	for _, m := range c.members {
		eventually(b, "ready", func() bool { ready, _ := m.node.Ready(); return ready })
	}
	return &benched{c, func() {
		for i := range c.members {
			c.kill(i)
		}
		cancel()
		syncing.Wait()
		for _, s := range stores {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		}
	}}
}
