package node

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/store"
)

func someMeta() *meta {
	m := &meta{round: 96, chain: chain{index: 7}, votes: []ownVote{{round: 32}, {round: 64}}}
	for i, hash := range [][]byte{m.chain.hash[:], m.state[:], m.digest[:], m.votes[0].digest[:], m.votes[1].digest[:]} {
		hash[i] = 0xff
	}
	return m
}

func TestMetaRoundTrip(t *testing.T) {
	for _, m := range []*meta{{}, someMeta()} {
		got, err := decodeMeta(m.append(nil))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v comes back as %+v, %v", m, got, err)
		}
	}
	newer := someMeta().append(nil)
	newer[0]++
	if _, err := decodeMeta(newer); !errors.Is(err, store.ErrVersion) {
		t.Errorf("a newer description: %v", err)
	}
}

func FuzzMeta(f *testing.F) {
	f.Add((&meta{}).append(nil))
	f.Add(someMeta().append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMeta(b)
		if err == nil && !bytes.Equal(m.append(nil), b) {
			t.Errorf("%x is read as %+v and written as %x", b, m, m.append(nil))
		}
	})
}

func FuzzFetchRequest(f *testing.F) {
	f.Add((&fetchRequest{round: 5}).append(nil))
	f.Add((&fetchRequest{digest: [sha256.Size]byte{1}, after: []byte("key")}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeFetchRequest(b)
		if err == nil && !bytes.Equal(r.append(nil), b) {
			t.Errorf("%x is read as %+v", b, r)
		}
	})
}

func FuzzLogRequest(f *testing.F) {
	f.Add((&logRequest{birth: 5}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeLogRequest(b)
		if err == nil && !bytes.Equal(r.append(nil), b) {
			t.Errorf("%x is read as %+v", b, r)
		}
	})
}

func FuzzPiece(f *testing.F) {
	n := newTestNode(f, 1, nil)
	f.Add(appendBlock(appendBlock(nil, wireEvent(f, n, 6)), nil))
	f.Add(appendBlock(nil, wireEvent(f, n, 7)))
	f.Add(binary.AppendUvarint(nil, maxEvent+1))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bufio.NewReader(bytes.NewReader(b))
		for more := true; more; {
			events, goesOn, err := readPiece(in, event.Domain{})
			if err != nil {
				return
			}
			if len(events) > pieceEvents || goesOn && len(events) == 0 {
				t.Fatalf("a piece of %d events", len(events))
			}
			more = goesOn
		}
	})
}

func FuzzOffer(f *testing.F) {
	votes := []event.Vote{{Creator: 1, Round: 96}, {Creator: 2, Round: 96}}
	f.Add((&offer{meta: someMeta().append(nil), records: 12, votes: votes, base: []byte("base")}).append(nil))
	f.Add((&offer{votes: votes}).append(nil))
	f.Add(binary.AppendUvarint(nil, maxMeta))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := readOffer(bufio.NewReader(bytes.NewReader(b)), event.Domain{})
		if err != nil {
			return
		}
		again, err := readOffer(bufio.NewReader(bytes.NewReader(o.append(nil))), event.Domain{})
		if err != nil || !reflect.DeepEqual(o, again) {
			t.Errorf("%+v comes back as %+v, %v", o, again, err)
		}
	})
}

// TestBlockOfALiar: who only says that much will come has nothing set aside for it, and what is beyond a limit is not read.
func TestBlockOfALiar(t *testing.T) {
	claim := binary.AppendUvarint(nil, maxBase)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readBlock(bufio.NewReader(bytes.NewReader(claim)), maxBase); !errors.Is(err, io.EOF) {
		t.Errorf("nothing comes, and the error is %v", err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 2*trusted {
		t.Errorf("%d bytes were set aside for a claim", taken)
	}
	if _, err := readBlock(bufio.NewReader(bytes.NewReader(claim)), maxBase-1); !errors.Is(err, errAnswer) {
		t.Errorf("a block that is too long: %v", err)
	}
}

func TestLongBlock(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 5*trusted/10+1)
	got, err := readBlock(bufio.NewReader(bytes.NewReader(appendBlock(nil, long))), maxBase)
	if err != nil || !bytes.Equal(got, long) {
		t.Errorf("%d bytes come back as %d, %v", len(long), len(got), err)
	}
}
