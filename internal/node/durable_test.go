package node_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// durable is a cluster whose nodes have disks. One that is stopped can start again.
type durable struct {
	*cluster
	dir     string
	configs []node.Config
	stores  []*store.Store
	keep    int64         // bytes of old segments; 0: the default, negative: none
	logs    []*faultfs.FS // what the logs are kept on; nil: the machine's own files
	outages []int         // by member: how often it has lost power

	durability store.Durability     // of the logs
	flight     int                  // how many messages each publisher has under way
	syncing    []context.CancelFunc // by member: ends the store's background work; nil: there is none
}

func newDurable(t testing.TB, n int) *durable {
	t.Helper()
	d := &durable{
		dir: t.TempDir(), stores: make([]*store.Store, n), outages: make([]int, n), syncing: make([]context.CancelFunc, n), flight: 100,
	}
	d.cluster = newCluster(t, n, func(_ int, cfg *node.Config) { d.configs = append(d.configs, *cfg) })
	t.Cleanup(func() {
		for i := range d.stores {
			d.halt(i)
		}
	})
	return d
}

func (d *durable) path(i int) string { return filepath.Join(d.dir, fmt.Sprint(i)) }

// boot starts members from what their disks hold.
func (d *durable) boot(members ...int) {
	d.t.Helper()
	for _, i := range members {
		disk := store.Config{
			Dir: d.path(i), KeepBytes: d.keep, Replicated: true, StopOnDamage: len(d.members) > 3, ScrubInterval: time.Millisecond,
			Durability: d.durability, Boot: fmt.Sprint("boot ", d.outages[i]),
		}
		if d.logs != nil {
			disk.FS, disk.ScrubInterval = d.logs[i], 0
		}
		s, err := store.Open(disk)
		if err != nil {
			d.t.Fatalf("node %d: %v", i, err)
		}
		cfg := d.configs[i]
		cfg.Disk = s
		m := d.members[i]
		if m.node, err = node.New(cfg); err != nil {
			d.t.Fatal(err)
		}
		m.seen = newRecord()
		d.stores[i] = s
		if d.logs != nil {
			d.syncing[i] = runStore(s)
			d.showLog(i)
		}
		d.start(i)
	}
}

// runStore has a store sync its log in the background, until the function that is returned is called.
func runStore(s *store.Store) (end context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) }) // it returns nil unless it finds damage, and it does not look for any
	return func() { cancel(); running.Wait() }
}

// halt stops a member as a kill would: nothing is written at the end. It returns the error with which the node ended.
func (d *durable) halt(i int) error {
	if d.stores[i] == nil {
		return nil
	}
	err := d.end(i)
	if end := d.syncing[i]; end != nil {
		end()
		d.syncing[i] = nil
	}
	if err := d.stores[i].Close(); err != nil && !errors.Is(err, faultfs.ErrPower) {
		d.t.Errorf("close the disk of node %d: %v", i, err)
	}
	d.stores[i] = nil
	return err
}

// end stops a member and cuts it off.
func (d *durable) end(i int) error {
	m := d.members[i]
	if m.stop == nil {
		return nil
	}
	for j := range d.members {
		if j != i && d.members[j].stop != nil {
			d.disconnect(i, j)
		}
	}
	err := m.stop()
	m.stop = nil
	return err
}

// load submits that many messages, some of them retained, at each of the members at once.
func (d *durable) load(from, count int, members ...int) {
	d.t.Helper()
	var all sync.WaitGroup
	for _, i := range members {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			connection := uint64(from + 1)
			commands := []replica.Command{&replica.Connect{Connection: connection, ClientID: fmt.Sprintf("c%d", i), Expiry: 3600}}
			for k := range count {
				commands = append(commands, &replica.Publish{Connection: connection, Message: replica.Message{
					Topic: fmt.Sprintf("%d/%d", i, k%50), Payload: fmt.Append(nil, from+k), Retain: k%3 == 0,
				}})
			}
			for _, cmd := range commands {
				if err := d.members[i].node.Submit(ctx, fair.Key{}, cmd, replica.Token{}); err != nil {
					d.t.Errorf("submit at node %d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	for _, i := range members {
		eventually(d.t, "all is applied", func() bool { return d.members[i].node.Status().PoolCount == 0 })
	}
}

// agree waits until the members have come to the same mark, at an index or beyond, and have the same retained messages.
func (d *durable) agree(index uint64, members ...int) node.Mark {
	d.t.Helper()
	mark := func(i int) node.Mark { return d.members[i].node.Status().Stream }
	for _, i := range members {
		eventually(d.t, fmt.Sprintf("node %d comes to the mark of node %d", i, members[0]), func() bool {
			return mark(i).Index >= index && mark(i) == mark(members[0])
		})
	}
	for _, i := range members[1:] { // what was under way may come between the two looks
		eventually(d.t, fmt.Sprintf("nodes %d and %d retain the same", members[0], i), func() bool {
			return d.retained(members[0]) == d.retained(i)
		})
	}
	return mark(members[0])
}

func (d *durable) retained(i int) string {
	d.t.Helper()
	var text strings.Builder
	err := d.members[i].node.Do(func(m *replica.Machine) {
		m.Retained("#", "", func(r replica.Retained) bool {
			fmt.Fprintf(&text, "%s=%s@%d ", r.Message.Topic, r.Message.Payload, r.Index)
			return true
		})
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return text.String()
}

// awaitCheckpoint waits until a further checkpoint is on the member's disk.
func (d *durable) awaitCheckpoint(i int) {
	d.t.Helper()
	before := d.stores[i].Stats().Checkpoints
	eventually(d.t, "a checkpoint", func() bool {
		d.load(1<<20+int(d.members[i].node.Status().Index), 20, i)
		return d.stores[i].Stats().Checkpoints > before
	})
}

// TestAllRestart: after all have stopped at once, they go on where they were.
func TestAllRestart(t *testing.T) {
	d := newDurable(t, 4)
	d.boot(0, 1, 2, 3)
	for round := range 3 {
		d.load(1000*round, 300, 0, 1, 2, 3)
		before := d.agree(0, 0, 1, 2, 3)
		for i := range 4 {
			if err := d.halt(i); err != nil {
				t.Fatalf("node %d: %v", i, err)
			}
		}
		d.boot(0, 1, 2, 3)
		if after := d.agree(before.Index, 0, 1, 2, 3); after.Index == before.Index && after != before {
			t.Fatalf("at index %d the hash is %s, it was %s", after.Index, after.Hash, before.Hash)
		}
	}
}

// TestOneRestartsAlone: a node without peers that restarts finds all that it had.
func TestOneRestartsAlone(t *testing.T) {
	d := newDurable(t, 1)
	d.boot(0)
	d.load(0, 500, 0)
	d.awaitCheckpoint(0)
	d.load(1000, 100, 0)
	before, retained := d.agree(0, 0), d.retained(0)
	if err := d.halt(0); err != nil {
		t.Fatal(err)
	}
	d.boot(0)
	eventually(t, "it is active", func() bool { return d.members[0].node.Status().State == "active" })
	if d.retained(0) != retained || d.agree(before.Index, 0).Index < before.Index {
		t.Errorf("it retains %s, it was %s", d.retained(0), retained)
	}
	d.load(5000, 100, 0)
}

// TestWipedNodeFetches: a node whose disk was lost fetches a checkpoint from the others, who do not hold the events from
// the beginning any more, and takes part again.
func TestWipedNodeFetches(t *testing.T) {
	d := newDurable(t, 4)
	d.keep = -1
	d.boot(0, 1, 2, 3)
	eventually(t, "the first events are ancient", func() bool {
		d.load(1000*int(d.members[0].node.Status().Round), 50, 0, 1, 2, 3)
		return d.members[0].node.Status().Round > 2*consensus.DefaultRoundsKept
	})
	for i := range 4 {
		d.awaitCheckpoint(i)
	}
	d.agree(0, 0, 1, 2, 3)
	for i := range 4 {
		if err := d.halt(i); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := store.SetAside(d.path(3), "wiped")
	if err != nil || dir == d.path(3) {
		t.Fatal(dir, err)
	}
	d.boot(0, 1, 2, 3) // restarted from their checkpoints, 0 to 2 have no older events
	d.load(10_000, 50, 0, 1, 2)
	eventually(t, "the wiped node has installed a checkpoint", func() bool { return d.members[3].ended() })
	if err := d.halt(3); !errors.Is(err, node.ErrInstalled) {
		t.Fatalf("it ended with %v", err)
	}
	d.boot(3)
	mark := d.agree(0, 0, 1, 2, 3)
	d.load(20_000, 50, 0, 1, 2, 3)
	d.agree(mark.Index+200, 0, 1, 2, 3)
}

// TestOneStateGoesWrong: a node in whose memory a byte has turned says something else than the others as soon as that
// has an effect. It is fenced, and comes back with the cluster's state; the others are not disturbed.
func TestOneStateGoesWrong(t *testing.T) {
	d := newDurable(t, 4)
	d.keep = -1
	d.boot(0, 1, 2, 3)
	d.load(0, 300, 0, 1, 2, 3)
	d.agree(0, 0, 1, 2, 3) // or what is still to be applied there could set the message anew
	err := d.members[2].node.Do(func(m *replica.Machine) {
		m.Retained("0/0", "", func(r replica.Retained) bool { r.Message.Payload[0] ^= 1; return true })
	})
	if err != nil {
		t.Fatal(err)
	}
	subscribe := &replica.Subscribe{Connection: 1, Subscriptions: []replica.Subscription{{Filter: "0/#", QoS: 1}}}
	if err := d.members[0].node.TrySubmit(fair.Key{}, subscribe, replica.Token{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node is fenced", func() bool {
		d.load(10_000+int(d.members[0].node.Status().Index), 20, 0, 1, 3)
		return d.members[2].ended()
	})
	if err := d.halt(2); !errors.Is(err, node.ErrDiverged) {
		t.Fatalf("it ended with %v", err)
	}
	d.startAfresh(2)
	d.load(1<<30, 50, 0, 1, 2, 3)
	d.agree(0, 0, 1, 2, 3)
}

// startAfresh starts a member that was halted without what is on its disk, and again if it has fetched a checkpoint.
func (d *durable) startAfresh(i int) {
	d.t.Helper()
	if _, err := store.SetAside(d.path(i), "aside"); err != nil {
		d.t.Fatal(err)
	}
	d.boot(i)
	other := d.members[(i+1)%len(d.members)]
	eventually(d.t, "it has everything, or a checkpoint", func() bool {
		return d.members[i].ended() || d.members[i].node.Status().Stream == other.node.Status().Stream
	})
	if d.members[i].ended() {
		if err := d.halt(i); !errors.Is(err, node.ErrInstalled) {
			d.t.Fatalf("it ended with %v", err)
		}
		d.boot(i)
	}
}
