package mqtt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
)

// FuzzDecode31, FuzzDecode311 and FuzzDecode5 expect that what decodes is encoded and decoded to the same again.
func FuzzDecode31(f *testing.F)  { fuzzDecode(f, V31) }
func FuzzDecode311(f *testing.F) { fuzzDecode(f, V311) }
func FuzzDecode5(f *testing.F)   { fuzzDecode(f, V5) }

func fuzzDecode(f *testing.F, v Version) {
	for _, wire := range seeds(f) {
		if len(wire) > 2 {
			f.Add(wire[0], wire[2:])
		}
	}
	f.Fuzz(func(t *testing.T, first byte, body []byte) {
		before := bytes.Clone(body)
		p, err := Decode(first, body, v)
		if !bytes.Equal(body, before) {
			t.Fatal("the body has changed")
		}
		if err != nil {
			checkError(t, err)
			return
		}
		if p.Type() != Type(first>>4) {
			t.Fatalf("%s out of %x", p.Type(), first)
		}
		roundTrip(t, p, v)
	})
}

func checkError(t *testing.T, err error) {
	if refusal := (*Error)(nil); !errors.As(err, &refusal) || !refusal.Code.Failed() || refusal.Detail == "" {
		t.Fatalf("error %#v", err)
	}
}

func roundTrip(t *testing.T, p Packet, v Version) {
	wire := p.Append(nil, v)
	again, err := read(wire, v)
	if err != nil {
		t.Fatalf("%+v is encoded as %x, which is refused: %v", p, wire, err)
	}
	if !reflect.DeepEqual(p, again) {
		t.Fatalf("%+v is encoded as %x, which is %+v", p, wire, again)
	}
	publish, ok := p.(*Publish)
	if !ok {
		return
	}
	if publish.Size(v) != len(wire) {
		t.Fatalf("size is %d, but it is encoded as %x", publish.Size(v), wire)
	}
	if _, err := ParseForward(publish.Forward); err != nil {
		t.Fatalf("forward %x: %v", publish.Forward, err)
	}
}

// seeds are the packets of testdata/refused.txt: each is nearly well-formed.
func seeds(f *testing.F) (all [][]byte) {
	script, err := os.ReadFile("testdata/refused.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(script)) {
		if fields := strings.Split(line, "|"); len(fields) == 3 && line[0] != '#' {
			wire, _ := assemble(f, strings.Fields(fields[1]))
			all = append(all, wire)
		}
	}
	return all
}

// FuzzReader reads a stream of packets in pieces of any size, and expects what the whole would give.
func FuzzReader(f *testing.F) {
	for _, wire := range seeds(f) {
		connect := (&Connect{Version: V5, ClientID: "id"}).Append(nil, V5)
		f.Add(append(connect, wire...), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		whole := NewReader(bufio.NewReaderSize(bytes.NewReader(stream), 1<<16), 0, 1<<15)
		parts := NewReader(bufio.NewReaderSize(pieces{bytes.NewReader(stream), int(piece)}, 16), 0, 1<<15)
		for {
			p, err := whole.Next()
			q, other := parts.Next()
			if !reflect.DeepEqual(p, q) || (err == nil) != (other == nil) {
				t.Fatalf("whole: %+v, %v\nparts: %+v, %v", p, err, q, other)
			}
			if err != nil {
				return
			}
			roundTrip(t, p, whole.Version())
		}
	})
}

// pieces is a source that returns at most size bytes at once, but at least one.
type pieces struct {
	io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), max(p.size, 1))]) }

// FuzzParseForward expects that CheckForward and FitsPayload agree, and that what is read is written and read to the same again.
func FuzzParseForward(f *testing.F) {
	all := Forwarded{
		Text: true, ContentType: "text", ResponseTopic: "answer", CorrelationData: []byte("c"),
		UserProperties: UserProperties(nil).Add("k", "v"),
	}
	f.Add(all.Append(nil))
	f.Add([]byte("\x26\x00\x01k\x00\x01v\x01\x01\x26\x00\x01k\x00\x01v"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseForward(b)
		if CheckForward(b) != (err == nil) {
			t.Fatalf("CheckForward is %v, error %v", CheckForward(b), err)
		}
		if err != nil {
			checkError(t, err)
			return
		}
		if FitsPayload(b, []byte{0xff}) == got.Text {
			t.Fatalf("what is no text fits %+v", got)
		}
		again, err := ParseForward(got.Append(nil))
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%+v, then %+v, %v", got, again, err)
		}
	})
}
