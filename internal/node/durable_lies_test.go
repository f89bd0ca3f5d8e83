package node_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

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
