package node

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/store"
)

// newTestNode makes a node of a cluster of so many.
func newTestNode(t testing.TB, members int, change func(*Config)) *Node {
	t.Helper()
	cfg := Config{Keys: make([]*ecdsa.PublicKey, members)}
	for i := range cfg.Keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Keys[i] = &key.PublicKey; i == 0 {
			cfg.Key = key
		}
	}
	if change != nil {
		change(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// peersOf is a transport on which each peer answers as its function says.
type peersOf struct {
	answer func(ctx context.Context, peer int) (io.ReadCloser, error)
	log    func(ctx context.Context, peer int) (io.ReadCloser, error) // who is asked for a log; nil: none has any

	mu    sync.Mutex
	asked []int // guarded by mu
}

func (p *peersOf) Send(int, *event.Message) bool { return true }

func (p *peersOf) Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error) {
	answer := p.answer
	if request[0] == askLog {
		answer = p.log
	}
	if answer == nil {
		return nil, errNothing
	}
	p.mu.Lock()
	p.asked = append(p.asked, peer)
	p.mu.Unlock()
	return answer(ctx, peer)
}

// drip is an answer that brings so many bytes every so often, and nothing else, for ever.
type drip struct {
	ctx   context.Context
	every time.Duration
	bytes int
}

func (d *drip) Read(b []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(d.every):
		for i := range min(d.bytes, len(b)) {
			b[i] = 0xff
		}
		return min(d.bytes, len(b)), nil
	}
}

func (d *drip) Close() error { return nil }

// TestPeerThatStalls: one that says nothing, one whose answer does not begin, and one that brings a byte now and then are
// given up after a time, and the next is asked.
func TestPeerThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers := &peersOf{}
		peers.answer = func(ctx context.Context, peer int) (io.ReadCloser, error) {
			switch peer {
			case 1:
				return &drip{ctx, time.Hour, 1}, nil
			case 2:
				<-ctx.Done()
				return nil, ctx.Err()
			default:
				return &drip{ctx, fetchPatience / 2, 1}, nil
			}
		}
		n := newTestNode(t, 4, nil)
		n.transport = peers
		n.picture.Store(&driver.Status{State: driver.Lost, Pending: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for peer := 1; peer < 4; peer++ {
			start := time.Now()
			if err := n.fetchFrom(ctx, peer); !errors.Is(err, errStalled) {
				t.Errorf("peer %d: %v", peer, err)
			}
			if took := time.Since(start); took < fetchPatience || took > 2*fetchPatience {
				t.Errorf("peer %d was given up after %v", peer, took)
			}
		}
	})
}

// TestSlowPeerIsWaitedFor: an answer may take long, if it keeps the least pace; one that trickles is given up, however
// often something comes.
func TestSlowPeerIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		every time.Duration
		bytes int
		want  error
	}{
		{100 * time.Millisecond, 12_500, nil}, // 1 Mbit/s
		{fetchPatience * 9 / 10, fetchPace * 10, nil},
		{fetchPatience * 9 / 10, 4 << 10, errStalled},
		{time.Second, fetchPace * 9 / 10, errStalled},
		{fetchPatience * 11 / 10, fetchPace * 100, errStalled},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newTestNode(t, 2, nil)
			n.transport = &peersOf{answer: func(ctx context.Context, _ int) (io.ReadCloser, error) {
				return &drip{ctx, c.every, c.bytes}, nil
			}}
			answer, err := n.ask(t.Context(), 1, &fetchRequest{})
			if err != nil {
				t.Fatal(err)
			}
			defer answer.close()
			in := bufio.NewReaderSize(answer, fetchPace*100)
			if got, err := io.CopyN(io.Discard, in, 200*fetchPace); !errors.Is(err, c.want) {
				t.Errorf("%d bytes every %v: after %d bytes: %v", c.bytes, c.every, got, err)
			}
		})
	}
}

// TestPeerWithoutEndIsLeft: one that keeps the pace, and never comes to an end, is given up for the next.
func TestPeerWithoutEndIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, 3, nil)
		n.picture.Store(&driver.Status{State: driver.Lost, Pending: 1})
		ctx, cancel := context.WithCancel(t.Context())
		peers := &peersOf{}
		peers.answer = func(ctx context.Context, peer int) (io.ReadCloser, error) {
			if peer == 2 {
				cancel()
				return nil, errNothing
			}
			start := (&offer{}).append(nil)
			start = binary.AppendUvarint(start[:len(start)-1], maxBase) // instead of the length 0
			rest := &drip{ctx, time.Second, fetchPace + 1}
			return struct {
				io.Reader
				io.Closer
			}{io.MultiReader(bytes.NewReader(start), rest), rest}, nil
		}
		n.transport = peers
		if err := n.fetchFromAny(ctx); err != nil || !slices.Equal(peers.asked, []int{1, 2}) {
			t.Errorf("peers %v were asked: %v", peers.asked, err)
		}
	})
}

// endless is the same record over and over.
type endless struct{ rest []byte }

func (e *endless) Read(b []byte) (n int, err error) {
	if len(e.rest) == 0 {
		e.rest = appendBlock(appendBlock(nil, []byte("key")), []byte("value"))
	}
	n = copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestEndlessRecordsAreRefused(t *testing.T) {
	progress, added := &fetchProgress{records: 3}, 0
	err := receiveRecords(bufio.NewReader(&endless{}), func(_, _ []byte) error { added++; return nil }, progress)
	if !errors.Is(err, errAnswer) || added != 3 {
		t.Errorf("%d records of 3 were taken: %v", added, err)
	}
}

// TestRecordsThatTheDiskRefusesAreThrownAway: they may be a liar's, and as many as fill the disk. Others would go on behind them.
func TestRecordsThatTheDiskRefusesAreThrownAway(t *testing.T) {
	disk, err := store.Open(store.Config{Dir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	var records bytes.Buffer
	w := newBlockWriter(&records)
	for _, key := range []string{"b", "c", "d", "a"} { // which should ascend
		if err := errors.Join(w.block([]byte(key)), w.block(make([]byte, 4<<20))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	n := newTestNode(t, 4, func(cfg *Config) { cfg.Disk = disk })
	n.transport = &peersOf{answer: func(context.Context, int) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(records.Bytes())), nil
	}}
	for range 2 {
		i, err := disk.NewImport([]byte("a checkpoint"))
		if err != nil {
			t.Fatal(err)
		}
		if _, have := i.Progress(); have > 0 {
			t.Errorf("%d records are there from the time before", have)
		}
		if err := n.receive(t.Context(), 1, i, 9, &position{}); err == nil {
			t.Error("they are taken")
		}
		i.Close()
	}
}
