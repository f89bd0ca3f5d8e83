package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

// flip changes a bit of each place in a file that others have open where the text stands, and returns how many there are.
func flip(t testing.TB, path, text string) int {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for at := bytes.Index(data, []byte(text)); at >= 0; at = bytes.Index(data, []byte(text)) {
		if _, err := f.WriteAt([]byte{data[at] ^ 1}, int64(at)); err != nil {
			t.Fatal(err)
		}
		data[at] ^= 1
		count++
	}
	return count
}

// TestDamageOnTheDiskIsRepaired: a bit that turns in the state of a node that runs is found by the scrub, and the node
// comes back with what the others have.
func TestDamageOnTheDiskIsRepaired(t *testing.T) {
	d := newDurable(t, 4)
	d.keep = -1
	d.boot(0, 1, 2, 3)
	d.load(0, 100, 0, 1, 2, 3)
	const needle = "what must not turn"
	retain := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "needle", Payload: []byte(needle), Retain: true}}
	if err := d.members[2].node.TrySubmit(fair.Key{}, retain, replica.Token{}); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(d.path(2), "state.db")
	eventually(t, "it is in the state on the disk", func() bool {
		d.load(10_000+int(d.members[2].node.Status().Index), 20, 0, 1, 3)
		data, err := os.ReadFile(state)
		return err == nil && bytes.Contains(data, []byte(needle))
	})
	if flip(t, state, needle) == 0 {
		t.Fatal("it is gone")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var damage *store.CorruptError
	if err := d.stores[2].Run(ctx); !errors.As(err, &damage) || !strings.Contains(err.Error(), "state.db") {
		t.Fatalf("the scrub ends with %v", err)
	}
	if err := d.halt(2); err != nil {
		t.Fatal(err)
	}
	d.startAfresh(2)
	d.load(1<<30, 20, 0, 1, 2, 3)
	d.agree(0, 0, 1, 2, 3)
	if !strings.Contains(d.retained(2), "needle="+needle) {
		t.Error("it has not come back")
	}
}

// TestDamageOfALoneNodeIsMended: a node that has nobody to fetch from writes its state anew from memory, though its clients
// do nothing.
func TestDamageOfALoneNodeIsMended(t *testing.T) {
	d := newDurable(t, 1)
	d.boot(0)
	const needle = "what must not turn"
	d.load(0, 100, 0)
	retain := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "needle", Payload: []byte(needle), Retain: true}}
	if err := d.members[0].node.TrySubmit(fair.Key{}, retain, replica.Token{}); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(d.path(0), "state.db")
	eventually(t, "it is in the state on the disk", func() bool {
		d.load(10_000+int(d.members[0].node.Status().Index), 20, 0)
		data, err := os.ReadFile(state)
		return err == nil && bytes.Contains(data, []byte(needle))
	})
	before := d.retained(0)
	if flip(t, state, needle) == 0 {
		t.Fatal("it is gone")
	}
	if r, err := d.stores[0].Scrub(t.Context(), 0); err != nil || len(r.Corrupt) == 0 {
		t.Fatalf("the scrub finds %+v: %v", r, err)
	}
	eventually(t, "it is mended", func() bool { return !d.stores[0].Damaged() })
	if err := d.halt(0); err != nil {
		t.Fatal(err)
	}
	if r, err := store.Verify(d.path(0)); err != nil || len(r.Corrupt) > 0 || r.StateError != nil {
		t.Fatalf("verify finds %+v: %v", r, err)
	}
	d.boot(0)
	eventually(t, "it is active", func() bool { return d.members[0].node.Status().State == "active" })
	if after := d.retained(0); after != before {
		t.Errorf("it retains\n%s\nafter\n%s", after, before)
	}
}

// TestCheckpointOfTwoHalves: a state and a base that do not belong together are no state to go on from.
func TestCheckpointOfTwoHalves(t *testing.T) {
	d := newDurable(t, 1)
	d.boot(0)
	d.load(0, 100, 0)
	d.awaitCheckpoint(0)
	if err := d.halt(0); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{Dir: d.path(0)})
	if err != nil {
		t.Fatal(err)
	}
	found := s.Recovered()
	segment, err := s.Rotate()
	if err == nil {
		changes := map[string][]byte{}
		err = s.State(func(key, value []byte) error {
			if strings.Contains(string(value), "0/0") && len(changes) == 0 {
				changes[string(key)] = nil // a retained message is missing
			}
			return nil
		})
		err = errors.Join(err, s.Commit(store.Checkpoint{Segment: segment, Base: found.Base, Meta: found.Meta, Changes: changes}))
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	d.boot(0)
	eventually(t, "it ends", func() bool { return d.members[0].ended() })
	if err := d.halt(0); !errors.Is(err, node.ErrCorrupt) {
		t.Errorf("it ended with %v", err)
	}
}

// brokenDisk is one whose checkpoint cannot be read.
type brokenDisk struct{ node.Disk }

func (brokenDisk) View() (*store.View, error) {
	return nil, &store.CorruptError{Path: "/home/somebody/data/0/state.db", What: "a page"}
}

// TestPeersAreNotToldOfTheDisk: what a peer is told that cannot be served says nothing of this machine.
func TestPeersAreNotToldOfTheDisk(t *testing.T) {
	c := newCluster(t, 4, func(_ int, cfg *node.Config) { cfg.Disk = brokenDisk{} })
	offer := append([]byte{1}, make([]byte, 40)...)
	err := c.members[0].node.Serve(t.Context(), 1, offer, io.Discard)
	if err == nil || strings.Contains(err.Error(), "/") {
		t.Errorf("the peer is told %v", err)
	}
}

// TestPeersComeAndGoWhileTheDiskIsStuck: what a node is told meanwhile waits, and nothing of it is lost; and it stops when
// it is to.
func TestPeersComeAndGoWhileTheDiskIsStuck(t *testing.T) {
	log := witness(t)
	c := newCluster(t, 4, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.Disk = log
		}
	})
	c.start(0, 1, 2, 3)
	c.submit(0, 0, 10)
	c.awaitAgreement(11, 0, 1, 2, 3)
	n := c.members[0].node
	stick := func() {
		log.fail(errors.New("no space left"))
		if err := n.TrySubmit(fair.Key{}, &replica.Tick{}, replica.Token{}); err != nil {
			t.Error(err)
		}
		eventually(t, "it says so", func() bool { return n.Status().Disk != "" && !n.Quorum() && n.Stalled() })
	}
	stick()
	var restless sync.WaitGroup
	for peer := 1; peer < 4; peer++ {
		restless.Go(func() {
			for range 10 {
				c.disconnect(0, peer)
				c.connect(0, peer)
			}
			if peer == 3 {
				c.disconnect(0, peer)
			}
		})
	}
	time.Sleep(10 * time.Millisecond) // so that mailboxes are full, which the test needs not
	log.fail(nil)
	restless.Wait()
	eventually(t, "it knows who is there", func() bool { return n.Status().Connected == 2 && n.Quorum() })
	c.submit(1, 0, 10)
	c.awaitAgreement(23, 0, 1, 2)
	stick()
	if err := c.members[0].stop(); err != nil { // before it is cut off, which waits for it to hear what was sent
		t.Error(err)
	}
	c.kill(0)
}
