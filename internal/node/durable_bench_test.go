package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
	"golang.org/x/sync/errgroup"
)

// What the publishers of BenchmarkDurability do.
const (
	benchPublishers = 100
	benchInFlight   = 100 // messages of a publisher that are not applied yet
	benchMessage    = 256
	benchMessages   = 4000 // of each publisher, in one run
)

// Where the nodes of BenchmarkDurability keep what they must not lose.
const (
	inMemory = iota // nowhere
	inHollow        // in a store that keeps nothing
	inFlush
	inSync
	places
)

// BenchmarkDurability compares what a cluster costs that keeps nothing with one that writes, and one that syncs, what it
// must not lose: the time and the processor's time of all nodes together until 100 publishers have had their messages
// applied by their nodes. They take turns; what is reported are the medians of the ratios within a turn. -benchtime 7x is
// seven turns.
func BenchmarkDurability(b *testing.B) {
	for _, nodes := range []int{1, 4} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			var turns [][places]usage
			for b.Loop() {
				var turn [places]usage
				for place := range turn {
					turn[place] = runPublishers(b, nodes, place)
				}
				turns = append(turns, turn)
			}
			ratio(b, turns, "flush/none", inFlush, inHollow)
			ratio(b, turns, "flush/memory", inFlush, inMemory)
			ratio(b, turns, "sync/flush", inSync, inFlush)
		})
	}
}

// usage is what a run took.
type usage struct{ wall, cpu time.Duration }

// ratio reports by how much more messages are applied in a second at one place than at the other, and how much more
// processor time each of them takes.
func ratio(b *testing.B, turns [][places]usage, name string, one, other int) {
	var rates, costs []float64
	for _, turn := range turns {
		rates = append(rates, float64(turn[other].wall)/float64(turn[one].wall))
		costs = append(costs, float64(turn[one].cpu)/float64(turn[other].cpu))
	}
	slices.Sort(rates)
	slices.Sort(costs)
	b.ReportMetric(rates[len(rates)/2], name)
	b.ReportMetric(costs[len(costs)/2], name+"-cpu")
}

// runPublishers runs a cluster until all messages are applied.
func runPublishers(b *testing.B, nodes, place int) usage {
	c := benchCluster(b, nodes, place)
	defer c.stop()
	warm(b, c.dir, nodes*benchPublishers*benchMessages*benchMessage)
	var all sync.WaitGroup
	wall, cpu := time.Now(), processorTime()
	for i := range benchPublishers {
		all.Go(func() { publishWindow(b, c.members[i%nodes].node, uint64(i), benchMessages) })
	}
	all.Wait()
	return usage{time.Since(wall), processorTime() - cpu}
}

// warm has the machine hold as much free memory as the logs will take in so many bytes. A virtual machine may give back
// to its host what has been free for some seconds, and to get it again takes ten times as long as to write to it. Under
// a load that lasts, segments that go make room for those that come.
func warm(b *testing.B, dir string, size int) {
	name := filepath.Join(dir, "warm")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	piece := make([]byte, 1<<20)
	for ; size > 0; size -= len(piece) {
		_, writeErr := f.Write(piece)
		err = errors.Join(err, writeErr)
	}
	if err = errors.Join(err, f.Close(), os.Remove(name)); err != nil {
		b.Fatal(err)
	}
}

// window is a consumer that lets the publisher of each of the own results go on.
type window struct{}

func (window) Restored(*replica.Machine) {}

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
func publishWindow(b *testing.B, n *node.Node, publisher uint64, count int) {
	slots := make(chan struct{}, benchInFlight)
	topic := fmt.Sprintf("bench/%d/topic", publisher)
	commands := []replica.Command{&replica.Connect{Connection: publisher + 1, ClientID: fmt.Sprint("p", publisher)}}
	cmd := &replica.Publish{Connection: publisher + 1, Message: replica.Message{Topic: topic, QoS: 1, Payload: make([]byte, benchMessage)}}
	for range count {
		commands = append(commands, cmd)
	}
	for _, cmd := range commands {
		slots <- struct{}{}
		if err := n.Submit(context.Background(), fair.Key{}, cmd, replica.Token{Owner: slots}); err != nil {
			b.Error(err)
			return
		}
	}
	for range benchInFlight { // all have come back
		slots <- struct{}{}
	}
}

// hollow is a disk that keeps nothing.
type hollow struct {
	node.Disk
	segment uint64
}

func (h *hollow) Recovered() store.Recovered             { return store.Recovered{} }
func (h *hollow) Replay(func(record []byte) error) error { return nil }
func (h *hollow) Old(func(record []byte) error) error    { return nil }
func (h *hollow) Append([]store.Record, bool) error      { return nil }
func (h *hollow) Commit(store.Checkpoint) error          { return nil }
func (h *hollow) Damaged() bool                          { return false }
func (h *hollow) Rotate() (segment uint64, err error)    { h.segment++; return h.segment, nil }

// benched is a cluster whose stores sync in the background, as the daemon's do.
type benched struct {
	*cluster
	dir     string // of the stores; removed by stop
	stores  []*store.Store
	syncing errgroup.Group
	cancel  context.CancelFunc
}

func benchCluster(b *testing.B, nodes, place int) *benched {
	ctx, cancel := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	c := &benched{dir: dir, cancel: cancel}
	c.cluster = newCluster(b, nodes, func(i int, cfg *node.Config) {
		switch place {
		case inHollow:
			cfg.Disk = &hollow{}
		case inFlush, inSync:
			cfg.Disk = c.open(ctx, filepath.Join(dir, fmt.Sprint(i)), place == inSync)
		}
	})
	for i, m := range c.members {
		m.consumer = window{}
		c.start(i)
	}
	for _, m := range c.members {
		eventually(b, "ready", func() bool { ready, _ := m.node.Ready(); return ready })
	}
	return c
}

func (c *benched) open(ctx context.Context, dir string, synced bool) *store.Store {
	cfg := store.Config{Dir: dir}
	if synced {
		cfg.Durability = store.Sync
	}
	s, err := store.Open(cfg)
	if err != nil {
		panic(err)
	}
	c.stores = append(c.stores, s)
	c.syncing.Go(func() error { return s.Run(ctx) })
	return s
}

func (c *benched) stop() {
	for i := range c.members {
		c.kill(i)
	}
	c.cancel()
	err := c.syncing.Wait()
	for _, s := range c.stores {
		err = errors.Join(err, s.Close())
	}
	if err = errors.Join(err, os.RemoveAll(c.dir)); err != nil {
		c.t.Error(err)
	}
}
