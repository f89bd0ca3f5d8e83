package mqtt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func newReader(src io.Reader, v Version, limit int) *Reader {
	return NewReader(bufio.NewReader(src), v, limit)
}

// TestReaderConversation reads a whole connection, byte by byte and at once.
func TestReaderConversation(t *testing.T) {
	large := strings.Repeat("0123456789", 50_000)
	var wire []byte
	for _, p := range []Packet{
		&Connect{Version: V5, ClientID: "id"},
		&Subscribe{PacketID: 1, Subscriptions: []Subscription{{Filter: "a/#"}}},
		&Publish{Topic: "a", Payload: []byte(large)},
		&Unsubscribe{PacketID: 2, Filters: []string{large[:60_000]}},
		&Pingreq{},
		&Disconnect{Code: DisconnectWithWill},
	} {
		wire = p.Append(wire, V5)
	}
	for name, src := range map[string]io.Reader{
		"byte by byte": iotest.OneByteReader(bytes.NewReader(wire)),
		"at once":      bytes.NewReader(wire),
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(src, 0, len(wire))
			var got []string
			for {
				p, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p.Type().String())
				if p, ok := p.(*Publish); ok && string(p.Payload) != large {
					t.Error("the payload is another")
				}
			}
			want := "connect subscribe publish unsubscribe pingreq disconnect"
			if strings.Join(got, " ") != want || r.Version() != V5 {
				t.Errorf("read %q as %s", got, r.Version())
			}
		})
	}
}

// TestReaderKeeps: what a PUBLISH refers to outlives it.
func TestReaderKeeps(t *testing.T) {
	wire := (&Publish{Topic: "a", Payload: []byte("first"), Forward: []byte{1, 1}}).Append(nil, V5)
	wire = (&Publish{Topic: "b", Payload: []byte("other"), Forward: []byte{1, 0}}).Append(wire, V5)
	r := newReader(bytes.NewReader(wire), V5, 100)
	p, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	first := *p.(*Publish)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if first.Topic != "a" || string(first.Payload) != "first" || first.Forward[1] != 1 {
		t.Errorf("%+v", first)
	}
}

// TestReaderLimit: a packet may be as long as the limit, its header included.
func TestReaderLimit(t *testing.T) {
	wire := (&Publish{Topic: "a", Payload: make([]byte, 200)}).Append(nil, V5)
	if _, err := newReader(bytes.NewReader(wire), V5, len(wire)).Next(); err != nil {
		t.Error(err)
	}
	_, err := newReader(bytes.NewReader(wire[:3]), V5, len(wire)-1).Next()
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Code != PacketTooLarge || refusal.Packet != TypePublish {
		t.Errorf("got %v", err)
	}
}

// TestReaderRefusesEarly: from the first byte of what is no MQTT, or no CONNECT, nothing more is awaited.
func TestReaderRefusesEarly(t *testing.T) {
	for name, first := range map[string]string{
		"http":        "G",
		"tls":         "\x16",
		"no connect":  "\x30",
		"type 0":      "\x00",
		"early pings": "\xc0",
	} {
		src := io.MultiReader(strings.NewReader(first), iotest.ErrReader(errors.New("read on")))
		_, err := newReader(src, 0, 100).Next()
		if refusal := (*Error)(nil); !errors.As(err, &refusal) || refusal.Version != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReaderEnds(t *testing.T) {
	gone := errors.New("gone")
	publish := (&Publish{Topic: "a", Payload: make([]byte, 200)}).Append(nil, V5)
	for name, c := range map[string]struct {
		src  io.Reader
		want error
	}{
		"between packets":   {strings.NewReader(""), io.EOF},
		"in the header":     {strings.NewReader("\xc0"), io.ErrUnexpectedEOF},
		"in a long header":  {strings.NewReader("\x30\xff\xff"), io.ErrUnexpectedEOF},
		"before the body":   {strings.NewReader("\x40\x02"), io.ErrUnexpectedEOF},
		"in the body":       {strings.NewReader("\x40\x02\x00"), io.ErrUnexpectedEOF},
		"before a publish":  {bytes.NewReader(publish[:3]), io.ErrUnexpectedEOF},
		"in a publish":      {bytes.NewReader(publish[:100]), io.ErrUnexpectedEOF},
		"failure at once":   {iotest.ErrReader(gone), gone},
		"failure in header": {io.MultiReader(strings.NewReader("\x40"), iotest.ErrReader(gone)), gone},
		"failure in body":   {io.MultiReader(bytes.NewReader(publish[:9]), iotest.ErrReader(gone)), gone},
	} {
		if _, err := newReader(c.src, V5, 1000).Next(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// TestReaderSparesMemory: announcing a large packet costs the server little.
func TestReaderSparesMemory(t *testing.T) {
	wire := append(appendVarint([]byte{0x30}, math.MaxUint32>>4), make([]byte, 1000)...)
	r := newReader(bytes.NewReader(wire), V5, math.MaxInt32)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.Next()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 2*firstPiece || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("1,000 bytes of a packet of %d cost %d bytes of memory; error %v", math.MaxUint32>>4, n, err)
	}
}

// TestConnectErrorVersion: an error says in which version a CONNECT can be answered.
func TestConnectErrorVersion(t *testing.T) {
	for wire, want := range map[string]Version{
		`10 ~ 'MQTT' 05 03 0000 [ ] ''`:   V5,
		`10 ~ 'MQTT' 05`:                  V5,
		`10 ~ 'MQTT' 04 03 0000 ''`:       V311,
		`10 ~ 'MQTT' 04 02 0000 '' 00`:    V311,
		`10 ~ 'MQIsdp' 03 03 0000 ''`:     V31,
		`10 ~ 'MQTT' 03 02 0000 ''`:       V311,
		`10 ~ 'MQIsdp' 09 02 0000 ''`:     V5,
		`10 ~ 'MQTT' 06 02 0000 [ ] ''`:   V5,
		`10 ~ 'HTTP' 05 02 0000 [ ] ''`:   0,
		`10 ~ 'MQTT'`:                     0,
		`11 ~ 'MQTT' 05 02 0000 [ ] 'id'`: 0,
	} {
		_, err := read(packet(t, wire), 0)
		if refusal := (*Error)(nil); !errors.As(err, &refusal) || refusal.Version != want {
			t.Errorf("%s: %#v, want version %d", wire, err, want)
		}
	}
}
