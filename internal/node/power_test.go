package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// TestAllLosePower: where logs are synced, nothing that any node has seen applied is lost with the power of all of them
// at once.
func TestAllLosePower(t *testing.T) {
	d := newDurable(t, 4)
	for i := range 4 {
		d.logs = append(d.logs, faultfs.New(uint64(1+i)))
	}
	for life := range 3 {
		d.boot(0, 1, 2, 3)
		for i := range 4 { // the store tells by the log's directory that the state file must be there
			if err := os.MkdirAll(filepath.Join(d.path(i), "log"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		applied := d.untilPowerFails(life)
		d.boot(0, 1, 2, 3)
		d.load(life, 1, 0, 1, 2, 3)
		d.agree(0, 0, 1, 2, 3)
		retained := d.retained(0)
		for i, count := range applied {
			for k := range count {
				if topic := fmt.Sprintf("%d/%d/%d=", life, i, k); !strings.Contains(retained, topic) {
					t.Fatalf("life %d: node %d had seen %d messages applied, of which %s is lost", life, i, count, topic)
				}
			}
		}
		for i := range 4 {
			if err := d.halt(i); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// untilPowerFails publishes at all nodes, and switches them off after some time. It returns how many messages each had
// seen applied.
func (d *durable) untilPowerFails(life int) (applied [4]int) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var publishers sync.WaitGroup
	for i := range applied {
		publishers.Go(func() { d.publishUntil(ctx, life, i) })
	}
	for i := range applied {
		d.members[i].seen.await(d.t, 1000)
	}
	for _, files := range d.logs {
		files.SetHook(func(faultfs.Op) error { return faultfs.ErrPower })
	}
	cancel()
	publishers.Wait()
	for _, m := range d.members { // all of them, before any is cut off: one that cannot write hears nothing
		if err := m.stop(); err != nil {
			d.t.Fatal(err)
		}
	}
	for i := range applied {
		if err := d.halt(i); err != nil {
			d.t.Fatal(err)
		}
		applied[i] = d.members[i].published()
		d.logs[i].Restart(true)
	}
	return applied
}

// published returns how many messages the node has seen applied that were published at it. Tokens of others are zero.
func (m *member) published() (count int) {
	for _, token := range m.seen.own() {
		count = max(count, int(token.PacketID))
	}
	return count
}

// publishUntil publishes retained messages at a member, a hundred in flight, until ctx is done.
func (d *durable) publishUntil(ctx context.Context, life, i int) {
	var cmd replica.Command = &replica.Connect{Connection: 1, ClientID: fmt.Sprint("p", i)}
	for k := 0; d.members[i].node.Submit(ctx, cmd, replica.Token{PacketID: uint16(k)}) == nil && ctx.Err() == nil; k++ {
		for k >= d.members[i].published()+100 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cmd = &replica.Publish{Connection: 1, Message: replica.Message{
			Topic: fmt.Sprintf("%d/%d/%d", life, i, k), Payload: []byte("x"), Retain: true,
		}}
	}
}
