package node_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/store"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// liars is a network on which what peers answer is changed on its way.
type liars struct {
	*network
	lie func(peer int, records bool, answer []byte) []byte
}

// Request implements node.Transport.
func (l *liars) Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error) {
	r, err := l.network.Request(ctx, peer, request)
	if err != nil {
		return nil, err
	}
	if request[0] != 1 { // not a checkpoint, but the log behind one
		return r, nil
	}
	defer r.Close()
	answer, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	records := !bytes.Equal(request[1:33], make([]byte, 32)) // an offer is asked for without a digest
	return io.NopCloser(bytes.NewReader(l.lie(peer, records, answer))), nil
}

// offered is an offer in its parts, as docs/wire.md has them.
type offered struct {
	meta, votes, base []byte
	records           uint64
}

func splitOffer(b []byte) (o offered) {
	block := func() []byte {
		length, n := binary.Uvarint(b)
		part := b[n : n+int(length)]
		b = b[n+int(length):]
		return bytes.Clone(part)
	}
	o.meta = block()
	var n int
	o.records, n = binary.Uvarint(b)
	b = b[n:]
	o.votes, o.base = block(), block()
	return o
}

func (o *offered) join() (b []byte) {
	block := func(part []byte) { b = append(binary.AppendUvarint(b, uint64(len(part))), part...) }
	block(o.meta)
	b = binary.AppendUvarint(b, o.records)
	block(o.votes)
	block(o.base)
	return b
}

// forge has one member sign for all.
func (d *durable) forge(votes []byte) []byte {
	m, err := event.DecodeMessage(votes, event.Domain{})
	if err != nil {
		panic(err)
	}
	for i := range m.Votes {
		m.Votes[i].Digest[0] ^= 1
		if err := m.Votes[i].Sign(d.configs[0].Key, event.Domain{}); err != nil {
			panic(err)
		}
	}
	return m.Append(nil)
}

// TestLiarsAreRefused: whatever peers tell a node that has lost its disk, it takes nothing from them that is not certified,
// and asks the next one, until one is honest.
func TestLiarsAreRefused(t *testing.T) {
	d := newDurable(t, 4)
	d.keep = -1
	logs, entries := observer.New(zap.InfoLevel)
	d.configs[3].Logger = zap.New(logs)
	offer := func(change func(o *offered)) func([]byte) []byte {
		return func(b []byte) []byte { o := splitOffer(b); change(&o); return o.join() }
	}
	flip := func(b []byte, at int) { b[at] ^= 1 }
	// Of each peer in turn, the offers or the records that are changed, and what the node says about it.
	lies := []struct {
		records bool
		change  func([]byte) []byte
		said    string
	}{
		{false, offer(func(o *offered) { o.votes = d.forge(o.votes) }), "not signed by a supermajority"},
		{false, offer(func(o *offered) { flip(o.meta, 16) }), "not signed by a supermajority"},
		{false, offer(func(o *offered) { flip(o.base, 2) }), "check the offer"},
		{true, func(b []byte) []byte { flip(b, len(b)-3); return b }, "not those that were signed"},
		{true, func(b []byte) []byte { return append(b[:len(b)-1], b...) }, "malformed"},
		{true, func(b []byte) []byte { return b[:len(b)/2] }, "EOF"},
		{true, func([]byte) []byte { return []byte{0} }, "not those that were signed"},
		{false, func(b []byte) []byte { return b[:len(b)-1] }, "consensus snapshot"},
	}
	var told []string
	d.members[3].transport = &liars{network: d.members[3].net, lie: func(_ int, records bool, answer []byte) []byte {
		if len(lies) == 0 || lies[0].records != records {
			return answer
		}
		told = append(told, lies[0].said)
		answer = lies[0].change(answer)
		lies = lies[1:]
		return answer
	}}
	d.boot(0, 1, 2, 3)
	d.load(0, 200, 0, 1, 2, 3)
	for i := range 4 {
		d.awaitCheckpoint(i)
	}
	for i := range 4 {
		if err := d.halt(i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.SetAside(d.path(3), "wiped"); err != nil {
		t.Fatal(err)
	}
	d.boot(0, 1, 2, 3)
	d.load(10_000, 50, 0, 1, 2)
	eventually(t, "the wiped node has installed a checkpoint", func() bool { return d.members[3].ended() })
	if err := d.halt(3); !errors.Is(err, node.ErrInstalled) {
		t.Fatalf("it ended with %v", err)
	}
	refused := entries.FilterMessage("checkpoint cannot be fetched").All()
	if len(refused) != len(told) || len(lies) > 0 {
		t.Fatalf("%d lies were told and %d answers refused", len(told), len(refused))
	}
	for i, want := range told {
		if why := fmt.Sprint(refused[i].ContextMap()["error"]); !strings.Contains(why, want) {
			t.Errorf("lie %d was refused because %q, want %q", i, why, want)
		}
	}
	d.members[3].transport = nil
	d.boot(3)
	d.agree(0, 0, 1, 2, 3)
}

// TestOffersOfOthers: a peer gets the records of the checkpoint that it was offered, whoever was offered a later one since.
func TestOffersOfOthers(t *testing.T) {
	d := newDurable(t, 4)
	d.boot(0, 1, 2, 3)
	offer := func(to int) offered {
		var b bytes.Buffer
		if err := d.members[0].node.Serve(t.Context(), to, askOffer(0), &b); err != nil {
			t.Fatal(err)
		}
		return splitOffer(b.Bytes())
	}
	d.load(0, 100, 0, 1, 2, 3)
	d.awaitCheckpoint(0)
	first := offer(1)
	eventually(t, "another one is offered to another peer", func() bool {
		d.load(1000+int(d.members[0].node.Status().Index), 50, 0, 1, 2, 3)
		return first.round() != offer(2).round()
	})
	if err := d.members[0].node.Serve(t.Context(), 1, first.askRecords(), io.Discard); err != nil {
		t.Error(err)
	}
}

// askOffer asks for a checkpoint of that round or later.
func askOffer(round uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{1}, make([]byte, sha256.Size)...), round)
}

// round is that of the checkpoint; askRecords asks for all of its records.
func (o offered) round() uint64 { return binary.BigEndian.Uint64(o.meta[1:]) }

func (o offered) askRecords() []byte {
	const digest = 1 + 8 + 40 + sha256.Size // behind version, round, chain and state
	return append(append([]byte{1}, o.meta[digest:digest+sha256.Size]...), make([]byte, 8)...)
}

// archive is a network on which member 0, who lies, hands out checkpoints that it has kept for long: all of them were
// certified once. It hands out no log.
type archive struct {
	*network
	kept  [][2][]byte // offers and their records, oldest first
	lies  int         // the place of the last that was handed out, and one
	asked []int       // who was asked for an offer
}

func (a *archive) Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error) {
	offer := bytes.HasPrefix(request, askOffer(0)[:1+sha256.Size])
	if offer {
		a.asked = append(a.asked, peer)
	}
	switch {
	case peer != 0:
		return a.network.Request(ctx, peer, request)
	case request[0] != 1:
		return nil, errors.New("no log here")
	case !offer:
		return io.NopCloser(bytes.NewReader(a.kept[a.lies-1][1])), nil
	}
	for i, k := range a.kept {
		if o := splitOffer(k[0]); o.round() >= binary.BigEndian.Uint64(request[1+sha256.Size:]) {
			a.lies = i + 1
			return io.NopCloser(bytes.NewReader(k[0])), nil
		}
	}
	return nil, errors.New("nothing left")
}

// TestOldCheckpointsDoNotKeepANodeAway: one liar hands out one old certified checkpoint after the other to a node that has
// lost its disk. It does not fetch them all before it asks somebody else.
func TestOldCheckpointsDoNotKeepANodeAway(t *testing.T) {
	d := newDurable(t, 4)
	d.keep = -1
	for i := range d.configs {
		d.configs[i].Limits = driver.Limits{KeptEvents: 32}
	}
	d.boot(0, 1, 2, 3)
	liar := d.members[0].node
	a := &archive{network: d.members[3].net}
	for last := uint64(0); len(a.kept) < 6; {
		d.load(1000+int(liar.Status().Index), 50, 0, 1, 2, 3)
		var offer, records bytes.Buffer
		if liar.Serve(t.Context(), 1, askOffer(last+1), &offer) != nil {
			continue
		}
		o := splitOffer(offer.Bytes())
		if err := liar.Serve(t.Context(), 1, o.askRecords(), &records); err != nil {
			t.Fatal(err)
		}
		a.kept, last = append(a.kept, [2][]byte{offer.Bytes(), records.Bytes()}), o.round()
	}
	d.mustHalt(3, nil)
	if _, err := store.SetAside(d.path(3), "wiped"); err != nil {
		t.Fatal(err)
	}
	d.hurry(3, 10)
	d.members[3].transport = a
	for {
		d.boot(3)
		eventually(t, "it installs a checkpoint or is ready", func() bool {
			d.load(1<<20+int(liar.Status().Index), 20, 0, 1, 2)
			ready, _ := d.members[3].node.Ready()
			return ready || d.members[3].ended()
		})
		if !d.members[3].ended() {
			break
		}
		d.mustHalt(3, node.ErrInstalled)
	}
	if a.lies == len(a.kept) {
		t.Errorf("it has fetched all the old checkpoints of a liar, one by one: %v", a.asked)
	}
}

// looked counts how often the last checkpoint is read from the disk.
type looked struct {
	node.Disk
	views atomic.Int64
}

func (l *looked) View() (*store.View, error) { l.views.Add(1); return l.Disk.View() }

// TestWaitingForACheckpointReadsNothing: who asks for one that never comes does not make this node read its base from the disk
// all the time.
func TestWaitingForACheckpointReadsNothing(t *testing.T) {
	d := newDurable(t, 4)
	d.boot(0, 1, 2, 3)
	d.load(0, 100, 0, 1, 2, 3)
	for i := range 4 {
		d.awaitCheckpoint(i)
	}
	d.mustHalt(0, nil)
	s, err := store.Open(store.Config{Dir: d.path(0), Replicated: true})
	if err != nil {
		t.Fatal(err)
	}
	disk := &looked{Disk: s}
	d.stores[0], d.configs[0].Disk = s, disk
	if d.members[0].node, err = node.New(d.configs[0]); err != nil {
		t.Fatal(err)
	}
	d.members[0].seen = newRecord()
	d.start(0)
	eventually(t, "it is ready", func() bool { ready, _ := d.members[0].node.Ready(); return ready })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	before := disk.views.Load()
	if err := d.members[0].node.Serve(ctx, 3, askOffer(math.MaxUint64), io.Discard); err == nil {
		t.Fatal("it is served")
	}
	if n := disk.views.Load() - before; n > 10 {
		t.Errorf("%d looks at the disk", n)
	}
}
