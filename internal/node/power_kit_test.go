package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// onFaultyDisks keeps the logs on disks that lose what was not synced when the power goes.
func (d *durable) onFaultyDisks(durability store.Durability, seed uint64) {
	d.durability = durability
	for i := range d.members {
		d.logs = append(d.logs, faultfs.New(seed<<8+uint64(i)))
	}
}

// showLog makes the log's directory on the machine's own files, too, where the store looks whether there must be a state.
func (d *durable) showLog(i int) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Join(d.path(i), "log"), 0o700); err != nil {
		d.t.Fatal(err)
	}
}

// all returns every member.
func (d *durable) all() []int {
	members := make([]int, len(d.members))
	for i := range members {
		members[i] = i
	}
	return members
}

// publish publishes at the members until the function that it returns is called.
func (d *durable) publish(life int, members ...int) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var publishers sync.WaitGroup
	for _, i := range members {
		publishers.Go(func() { d.publishUntil(ctx, life, i) })
	}
	return func() { cancel(); publishers.Wait() }
}

// publishUntil publishes retained messages at a member, d.flight at a time, until ctx is done.
func (d *durable) publishUntil(ctx context.Context, life, i int) {
	var cmd replica.Command = &replica.Connect{Connection: 1, ClientID: fmt.Sprint("p", i)}
	m := d.members[i]
	n := m.node
	for k := 0; n.Submit(ctx, fair.Key{}, cmd, replica.Token{PacketID: uint16(k)}) == nil && ctx.Err() == nil; k++ {
		for k >= m.published()+d.flight && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cmd = &replica.Publish{Connection: 1, Message: replica.Message{
			Topic: topicOf(life, i, k), Payload: []byte("x"), Retain: true,
		}}
	}
}

func topicOf(life, i, k int) string { return fmt.Sprintf("%d/%d/%d", life, i, k) }

// published returns how many messages the node has seen applied that were published at it. Tokens of others are zero.
func (m *member) published() (count int) {
	for _, token := range m.seen.own() {
		count = max(count, int(token.PacketID))
	}
	return count
}

// applied returns how many messages each member has seen applied of those that were published at it.
func (d *durable) applied() []int {
	counts := make([]int, len(d.members))
	for i, m := range d.members {
		counts[i] = m.published()
	}
	return counts
}

// awaitMore waits until each of the members has seen that many messages applied more.
func (d *durable) awaitMore(count int, members ...int) {
	d.t.Helper()
	before := d.applied()
	for _, i := range members {
		eventually(d.t, fmt.Sprintf("node %d applies more", i), func() bool {
			return d.members[i].published() >= before[i]+count
		})
	}
}

// assertKept fails unless a member retains so many of the messages that were published at each.
func (d *durable) assertKept(life int, counts []int, member int) {
	d.t.Helper()
	retained := map[string]bool{}
	for message := range strings.FieldsSeq(d.retained(member)) {
		topic, _, _ := strings.Cut(message, "=")
		retained[topic] = true
	}
	for i, count := range counts {
		for k := range count {
			if topic := topicOf(life, i, k); !retained[topic] {
				d.t.Fatalf("life %d: node %d had seen %d messages applied, of which %s is lost", life, i, count, topic)
			}
		}
	}
}

// pullPlugs lets nothing get to the members' disks any more.
func (d *durable) pullPlugs(members ...int) {
	for _, i := range members {
		d.logs[i].SetHook(func(faultfs.Op) error { return faultfs.ErrPower })
	}
}

// switchOff lets the members lose power at once. It returns how many messages each member of the cluster had seen applied
// until then.
func (d *durable) switchOff(members ...int) (applied []int) {
	d.t.Helper()
	d.pullPlugs(members...)
	for _, i := range members { // all of them, before any is cut off: one that cannot write hears nothing
		if err := d.members[i].stop(); err != nil {
			d.t.Fatal(err)
		}
	}
	applied = d.applied()
	for _, i := range members {
		d.outages[i]++
		if err := d.halt(i); err != nil {
			d.t.Fatal(err)
		}
	}
	return applied
}

// cutPower is switchOff after which each of the members has lost some of what it had not synced.
func (d *durable) cutPower(members ...int) (applied []int) {
	d.t.Helper()
	applied = d.switchOff(members...)
	for _, i := range members {
		d.logs[i].Restart(true)
	}
	return applied
}

// haltAll stops all members as a kill would.
func (d *durable) haltAll() {
	d.t.Helper()
	for i := range d.members {
		if err := d.halt(i); err != nil {
			d.t.Fatal(err)
		}
	}
}

// votingRounds is more rounds than pass between two at which members compare their states.
const votingRounds = 40

// reunite waits until all members take part and have one stream, and went on for so long that they have compared it. It
// starts those again that end by themselves, as the program does, and returns why they did.
func (d *durable) reunite() (ends []error) {
	d.t.Helper()
	from := uint64(0)
	eventually(d.t, "all are of one mind", func() bool {
		for i, m := range d.members {
			if m.ended() {
				ends = append(ends, d.startAgain(i))
			}
		}
		d.stir()
		if !d.united() {
			return false
		}
		round := d.members[0].node.Status().Round
		if from == 0 {
			from = round
		}
		return round >= from+votingRounds
	})
	return ends
}

// stir gives each member something to order that has nothing. So each of their votes is on rounds of which none is the last.
func (d *durable) stir() {
	for _, m := range d.members {
		if m.node.Status().PoolCount == 0 {
			_ = m.node.TrySubmit(fair.Key{}, &replica.Tick{}, replica.Token{}) // one that ends meanwhile need not take it
		}
	}
}

// united reports whether all members take part, have nothing to do and have one stream.
func (d *durable) united() bool {
	first := d.members[0].node.Status()
	for _, m := range d.members {
		s := m.node.Status()
		if s.State != "active" || s.Stream != first.Stream {
			return false
		}
	}
	return true
}

// startAgain starts a member that has ended by itself, and returns why it has.
func (d *durable) startAgain(i int) error {
	d.t.Helper()
	why := d.halt(i)
	switch {
	case errors.Is(why, node.ErrInstalled):
		d.moveLog(i)
	case errors.Is(why, node.ErrDiverged):
		if _, err := store.SetAside(d.path(i), fmt.Sprint(time.Now().UnixNano())); err != nil {
			d.t.Fatal(err)
		}
		d.logs[i] = faultfs.New(uint64(i))
	default:
		d.t.Fatalf("node %d ended: %v", i, why)
	}
	d.boot(i)
	return why
}

// moveLog puts the log of an install in its place, on the disk where the store does not see to it.
func (d *durable) moveLog(i int) {
	d.t.Helper()
	files := d.logs[i]
	to, from := filepath.Join(d.path(i), "log"), filepath.Join(d.path(i), "fetch", "log")
	old, err := files.List(to)
	for _, name := range old {
		err = errors.Join(err, files.Remove(filepath.Join(to, name)))
	}
	fetched, err2 := files.List(from)
	err = errors.Join(err, err2)
	for _, name := range fetched {
		err = errors.Join(err, files.Rename(filepath.Join(from, name), filepath.Join(to, name)))
	}
	if err := errors.Join(err, files.SyncDir(to), files.SyncDir(from)); err != nil {
		d.t.Fatal(err)
	}
}
