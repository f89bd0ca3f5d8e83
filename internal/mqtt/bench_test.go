package mqtt

import (
	"bufio"
	"bytes"
	"math"
	"strconv"
	"testing"
)

// message is a PUBLISH of the size that the project measures with: a payload of 256 bytes at QoS 1.
func message() *Publish {
	return &Publish{Topic: "site/line4/press/temperature", Payload: make([]byte, 256), QoS: 1, PacketID: 17}
}

// BenchmarkPublish is what the codec costs a message that comes in and goes out once.
func BenchmarkPublish(b *testing.B) {
	once := through(message())
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

// through returns a function that reads the message as a server does, and writes it again.
func through(p *Publish) func() {
	r := NewReader(bufio.NewReader(&endless{wire: p.Append(nil, V5)}), V5, math.MaxInt32)
	var buf []byte
	return func() {
		packet, err := r.Next()
		if err != nil {
			panic(err) // the packet is our own
		}
		buf = packet.Append(buf[:0], V5)
	}
}

func BenchmarkDecodePublish(b *testing.B) {
	wire := message().Append(nil, V5)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(wire[0], wire[3:], V5); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUserProperties reads the properties of a PUBLISH that has nothing else, and as many as fit into 8 MiB.
func BenchmarkUserProperties(b *testing.B) {
	for _, value := range []string{"", "a", "some tens of bytes of a value"} {
		b.Run(strconv.Itoa(len(value)), func(b *testing.B) {
			one := UserProperties{}.Add(value, value)
			all := bytes.Repeat(one, 8<<20/len(one))
			b.SetBytes(int64(len(all)))
			b.ReportAllocs()
			for b.Loop() {
				if !CheckForward(all) {
					b.Fatal("refused")
				}
			}
		})
	}
}

// BenchmarkAppendPublish is what the fan-out of a message costs for each receiver. Copying a packet that was encoded
// before, and stamping it, is hardly faster: most of it is the payload.
func BenchmarkAppendPublish(b *testing.B) {
	p := message()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = p.Append(buf[:0], V5)
	}
}

// BenchmarkReader reads streams of one kind of packet.
func BenchmarkReader(b *testing.B) {
	for _, p := range []Packet{message(), &Puback{PacketID: 1}, &Pingreq{}} {
		b.Run(p.Type().String(), func(b *testing.B) {
			wire := p.Append(nil, V5)
			src := &endless{wire: bytes.Repeat(wire, 100)}
			r := NewReader(bufio.NewReaderSize(src, 16<<10), V5, math.MaxInt32)
			b.SetBytes(int64(len(wire)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// endless repeats wire for ever.
type endless struct {
	wire []byte
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.wire[e.at:])
	e.at = (e.at + n) % len(e.wire)
	return n, nil
}

// TestPublishAllocations: decoding costs the struct and the topic. A Reader spares the struct, but takes a body.
// Writing costs nothing, so both together cost two.
func TestPublishAllocations(t *testing.T) {
	wire := message().Append(nil, V5)
	decode := func() { Decode(wire[0], wire[3:], V5) }
	r := NewReader(bufio.NewReader(&endless{wire: wire}), V5, math.MaxInt32)
	next := func() { r.Next() }
	p, buf := message(), make([]byte, 0, 1024)
	write := func() { p.Append(buf, V5) }
	for name, c := range map[string]struct {
		f    func()
		want float64
	}{"decode": {decode, 2}, "read": {next, 2}, "write": {write, 0}, "both": {through(message()), 2}} {
		if got := testing.AllocsPerRun(100, c.f); got > c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}
