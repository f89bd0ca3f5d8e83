package gossip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

func frameOf(body []byte) []byte {
	return endFrame(append(beginFrame(nil), body...))
}

func TestFrameIsReadBack(t *testing.T) {
	for _, size := range []int{1, 2, trusted, trusted + 1, 5 * trusted} {
		body := bytes.Repeat([]byte{7}, size)
		got, err := readFrame(bytes.NewReader(frameOf(body)), size)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes: got %d bytes, %v", size, len(got), err)
		}
		if cap(got) != size {
			t.Errorf("%d bytes are kept in %d", size, cap(got))
		}
	}
}

func TestFrameOutOfBoundsIsThePeersFault(t *testing.T) {
	for _, length := range []uint32{0, 101, math.MaxUint32} {
		header := binary.BigEndian.AppendUint32(nil, length)
		_, err := readFrame(bytes.NewReader(append(header, make([]byte, 200)...)), 100)
		var frame *frameError
		if !errors.As(err, &frame) {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

func TestTruncatedFrameIsNotThePeersFault(t *testing.T) {
	whole := frameOf(make([]byte, 100))
	for n := range whole {
		_, err := readFrame(bytes.NewReader(whole[:n]), 100)
		var frame *frameError
		if err == nil || errors.As(err, &frame) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// stingy gives the bytes it has, and then none, and remembers the largest buffer that it was handed.
type stingy struct {
	rest    []byte
	largest int
}

func (s *stingy) Read(p []byte) (int, error) {
	s.largest = max(s.largest, len(p))
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestClaimedLengthTakesLittleMemory(t *testing.T) {
	r := &stingy{rest: binary.BigEndian.AppendUint32(nil, event.MaxMessage)}
	if _, err := readFrame(r, event.MaxMessage); err == nil {
		t.Error("read what was not there")
	}
	if r.largest > trusted {
		t.Errorf("a mere claim took %d bytes", r.largest)
	}
}

func TestHelloIsReadBack(t *testing.T) {
	h := hello{version: Version, member: 258, book: [32]byte{1, 31: 2}, instance: 1 << 63, generation: 3}
	var b bytes.Buffer
	if err := writeHello(&b, &h); err != nil {
		t.Fatal(err)
	}
	got, err := readHello(&b)
	if err != nil || got != h {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The examples of docs/wire.md.
func TestWireIsAsDocumented(t *testing.T) {
	h := &hello{
		version: 2, member: 2, book: [32]byte(bytes.Repeat([]byte{0xaa}, 32)),
		instance: 0x5f1c_0000_0000_0007, generation: 1,
	}
	var got bytes.Buffer
	if err := writeHello(&got, h); err != nil {
		t.Fatal(err)
	}
	want := append([]byte{0, 0, 0, 0x33, 2, 0, 2}, bytes.Repeat([]byte{0xaa}, 32)...)
	want = append(want, 0x5f, 0x1c, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1)
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("hello: % x", got.Bytes())
	}
	boot := newOutgoing(&event.Message{Boot: true}).encoded()
	if want := []byte{0, 0, 0, 4, 1, 0, 0, 0}; !bytes.Equal(boot, want) {
		t.Errorf("boot: % x", boot)
	}
}

func TestHelloOfAnotherVersionTellsItsVersion(t *testing.T) {
	got, err := decodeHello([]byte{Version + 1, 1, 2, 3})
	if err != nil || got != (hello{version: Version + 1}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzHello(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{Version})
	f.Add((&hello{version: Version, generation: math.MaxUint64}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHello(b)
		if err != nil || h.version != Version {
			return
		}
		if again := h.append(nil); !bytes.Equal(again, b) {
			t.Errorf("%x is read like %x", b, again)
		}
	})
}

// FuzzStream feeds bytes to what reads a connection: first a hello, then messages.
func FuzzStream(f *testing.F) {
	h := &hello{version: Version}
	m := &event.Message{Boot: true, Want: []event.ID{{1}}, Tips: []event.Tip{{Creator: 1, Seq: 2, ID: event.ID{3}}}}
	f.Add(append(frameOf(h.append(nil)), frameOf(m.Append(nil))...))
	votes := &event.Message{Votes: []event.Vote{{Creator: 1, Round: math.MaxUint64}}}
	f.Add(append(frameOf(h.append(nil)), frameOf(votes.Append(nil))...))
	f.Add(frameOf(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		if _, err := readHello(r); err != nil {
			return
		}
		for {
			frame, err := readFrame(r, event.MaxMessage)
			if err != nil {
				return
			}
			m, err := event.DecodeMessage(frame, event.Domain{})
			if err != nil {
				return
			}
			if size := len(m.Append(nil)); size != len(frame) {
				t.Errorf("a message of %d bytes is written with %d", len(frame), size)
			}
			if bound := frameSize(m); bound < frameHeader+len(frame) {
				t.Errorf("a frame of %d bytes is reckoned to be %d", frameHeader+len(frame), bound)
			}
		}
	})
}

func TestFrameSizeIsAnUpperBoundThatIsNotFarOff(t *testing.T) {
	e := &event.Event{
		Creator: event.MaxMembers - 1, Seq: math.MaxUint64, BirthRound: math.MaxUint64, Payload: make([]byte, 1<<20),
	}
	e.Payload = event.AppendTransaction(nil, e.Payload)
	for i := range event.MaxMembers {
		p := event.Parent{Creator: i, Seq: math.MaxUint64, BirthRound: math.MaxUint64, ID: event.ID{1}}
		e.Parents = append(e.Parents, p)
	}
	e.Parents[0], e.Parents[event.MaxMembers-1] = e.Parents[event.MaxMembers-1], e.Parents[0]
	e.Parents[0].Seq--
	m := &event.Message{Events: []*event.Event{e, e}, Want: make([]event.ID, event.MaxMessageIDs)}
	for range event.MaxMessageIDs {
		m.Tips = append(m.Tips, event.Tip{Creator: event.MaxMembers - 1, Seq: math.MaxUint64})
	}
	for range event.MaxMessageVotes {
		m.Votes = append(m.Votes, event.Vote{Creator: event.MaxMembers - 1, Round: math.MaxUint64})
	}
	real, bound := len(newOutgoing(m).encoded()), frameSize(m)
	if real > bound || bound-real > 10_000 {
		t.Errorf("a frame of %d bytes is reckoned to be %d", real, bound)
	}
	if real, bound := len(newOutgoing(&event.Message{}).encoded()), frameSize(&event.Message{}); real > bound {
		t.Errorf("an empty frame of %d bytes is reckoned to be %d", real, bound)
	}
}

func TestReaderStopsAtTheEndOfTheStream(t *testing.T) {
	if _, err := readFrame(bytes.NewReader(nil), 1); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
