package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

// The state of TestLargeState.
const (
	largeRetained = 1_000_000
	largeSessions = 100_000
)

// TestLargeState measures how long a node takes to restart with a large state, and how long one that was wiped takes to
// fetch it, on the clock and of the processors' time, beside three others in the same process.
func TestLargeState(t *testing.T) {
	if os.Getenv("FOXMQ_LONG") == "" {
		t.Skip("takes long; set FOXMQ_LONG")
	}
	d := newDurable(t, 4)
	d.keep = -1
	for i := range d.configs {
		d.configs[i].Policy.MaxPayload = 256 << 10 // more rounds, and with them checkpoints, than a few large events make
	}
	for _, m := range d.members {
		m.consumer = window{}
	}
	d.boot(0, 1, 2, 3)
	d.measure("make the state", func() { d.fill(largeRetained, largeSessions) })
	want := d.expectLarge(3)

	d.mustHalt(3, nil)
	d.measure("restart", func() {
		d.boot(3)
		d.awaitReady(3)
	})
	d.expectLarge(3)

	d.mustHalt(3, nil)
	if _, err := store.SetAside(d.path(3), "wiped"); err != nil {
		t.Fatal(err)
	}
	d.measure("fetch everything, and restart", func() {
		d.boot(3)
		d.atLast("the wiped node has installed a checkpoint", func() bool { return d.members[3].ended() })
		d.mustHalt(3, node.ErrInstalled)
		d.boot(3)
		d.awaitReady(3)
	})
	if got := d.expectLarge(3); got.Retained != want.Retained || got.Sessions != want.Sessions {
		t.Errorf("it has %+v, it was %+v", got, want)
	}
}

// measure logs what f takes.
func (d *durable) measure(what string, f func()) {
	d.t.Helper()
	wall, cpu := time.Now(), processorTime()
	f()
	d.t.Logf("%s: %.1f s, %.1f s of the processors", what, time.Since(wall).Seconds(), (processorTime() - cpu).Seconds())
}

// fill makes the members retain that many messages, and have that many sessions that sleep, each with a subscription.
func (d *durable) fill(retained, sessions int) {
	d.t.Helper()
	var all sync.WaitGroup
	for i := range d.members {
		all.Go(func() {
			submit := func(cmd replica.Command) {
				if err := d.members[i].node.Submit(context.Background(), fair.Key{}, cmd, replica.Token{}); err != nil {
					d.t.Errorf("submit at node %d: %v", i, err)
				}
			}
			submit(&replica.Connect{Connection: 1, ClientID: fmt.Sprint("publisher ", i)})
			for k := i; k < retained; k += len(d.members) {
				submit(&replica.Publish{Connection: 1, Message: replica.Message{
					Topic: fmt.Sprintf("building/%d/room/%d", k%1000, k), Payload: make([]byte, 100), Retain: true,
				}})
			}
			for k := i; k < sessions; k += len(d.members) {
				connection, client := uint64(2+k), fmt.Sprint("sleeper ", k)
				submit(&replica.Connect{Connection: connection, ClientID: client, Expiry: replica.Never})
				submit(&replica.Subscribe{Connection: connection, Subscriptions: []replica.Subscription{{Filter: client, QoS: 1}}})
				submit(&replica.End{Connection: connection})
			}
		})
	}
	all.Wait()
	for i := range d.members {
		d.atLast("all is applied", func() bool { return d.members[i].node.Status().PoolCount == 0 })
	}
	for i := range d.members { // also by the others
		d.atLast("all agree", func() bool { return d.members[i].node.Status().Stream == d.members[0].node.Status().Stream })
	}
}

// awaitReady waits until a node takes part again and has applied what node 0 has.
func (d *durable) awaitReady(i int) {
	d.t.Helper()
	d.atLast("ready", func() bool {
		ready, _ := d.members[i].node.Ready()
		return ready && d.members[i].node.Status().Stream == d.members[0].node.Status().Stream || d.members[i].ended()
	})
}

func (d *durable) mustHalt(i int, want error) {
	d.t.Helper()
	if err := d.halt(i); !errors.Is(err, want) {
		d.t.Fatalf("node %d ended with %v", i, err)
	}
}

func (d *durable) expectLarge(i int) (counts replica.Counts) {
	d.t.Helper()
	if err := d.members[i].node.Do(func(m *replica.Machine) { counts = m.Counts() }); err != nil {
		d.t.Fatal(err)
	}
	if counts.Retained < largeRetained || counts.Sessions < largeSessions {
		d.t.Fatalf("node %d has %+v", i, counts)
	}
	return counts
}

// atLast is eventually with more patience.
func (d *durable) atLast(what string, condition func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("waited in vain: %s", what)
		}
	}
}
