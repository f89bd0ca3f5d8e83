package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// broken is bytes that a client sends, which make no packet that a server may accept, or just may.
type broken struct {
	what    string
	version mqtt.Version
	bytes   []byte
	first   bool // it comes instead of CONNECT
	cut     bool // the packet is not all there: the client hangs up behind it
	// What comes of it: "served", "closed" for an end without a word, or the reason code with which the connection
	// ends, in hexadecimal. Only MQTT 5 tells it, but for those in CONNACK that 3.1.1 knows.
	want string
}

// spoiler makes malformed packets of one sample.
type spoiler struct {
	sample
	all []broken
}

func (s *spoiler) add(what, want string, b []byte) *broken {
	if want == "81" && s.name == "connect" && len(b) < beforeLevel {
		want = "closed"
	}
	s.all = append(s.all, broken{
		what: fmt.Sprintf("%s %v: %s", s.name, s.version, what), version: s.version, bytes: b, first: s.name == "connect",
		want: want,
	})
	return &s.all[len(s.all)-1]
}

// beforeLevel is how many bytes a CONNECT has that ends before its protocol level: its sender is not known to speak
// MQTT, and gets no answer.
const beforeLevel = 2 + 6 + 1

// mutate makes everything malformed that can be made of a sample.
func (s sample) mutate() []broken {
	all := &spoiler{sample: s}
	all.cut()
	all.header()
	for i, p := range s.body {
		all.spoil(i, p)
	}
	return all.all
}

// cut ends the connection, or the packet, too early.
func (s *spoiler) cut() {
	body, ends, lacking := s.assemble()
	whole := frame(s.first, body)
	for n := 1; n < len(whole); n++ {
		s.add(fmt.Sprintf("the connection ends after %d bytes", n), "closed", whole[:n]).cut = true
	}
	for n := range body {
		want := "81"
		if other := lacking[n]; other != "" {
			want = other
		}
		if !slices.Contains(ends, n) {
			s.add(fmt.Sprintf("%d bytes of %d", n, len(body)), want, frame(s.first, body[:n]))
		}
	}
}

// header spoils the fixed header, or puts more behind it than belongs there. A CONNECT with a wrong one is not known
// for a CONNECT.
func (s *spoiler) header() {
	malformed, tooLarge := "81", "95"
	if s.name == "connect" {
		malformed, tooLarge = "closed", "closed"
	}
	body, _, _ := s.assemble()
	for flags := range byte(16) {
		publish := s.first>>4 == 3
		if first := s.first&0xf0 | flags; first != s.first && (!publish || first&6 == 6) {
			s.add(fmt.Sprintf("flags %x", flags), malformed, frame(first, body))
		}
	}
	if len(s.body) == 0 || s.body[len(s.body)-1].kind != open {
		s.add("a byte too many", "81", frame(s.first, append(slices.Clone(body), 0)))
	}
	if len(s.body) > 0 && s.body[len(s.body)-1].kind != open {
		s.add("the same twice in one", "81", frame(s.first, bytes.Repeat(body, 2)))
	}
	rest := append([]byte{byte(len(body))&0x7f | 0x80}, byte(len(body)>>7)|0x80)
	long := func(what, want string, length ...byte) {
		s.add("remaining length "+what, want, slices.Concat([]byte{s.first}, length, body))
	}
	long("of five bytes", malformed, slices.Concat(rest, []byte{0x80, 0x80, 0})...)
	long("not in its shortest form", malformed, append(rest, 0)...)
	long("of 256 MiB", tooLarge, 0xff, 0xff, 0xff, 0x7f)
}

// spoil spoils one part.
func (s *spoiler) spoil(i int, p part) {
	before, _, _ := sample{body: s.body[:i]}.assemble()
	behind, _, _ := sample{body: s.body[i+1:]}.assemble()
	put := func(what, want string, b []byte) {
		if s.name == "connect" && i == 0 {
			want = "closed" // it is the protocol's name
		}
		s.add(fmt.Sprintf("part %d: %s", i, what), want, frame(s.first, slices.Concat(before, b, behind)))
	}
	switch p.kind {
	case str:
		for _, bad := range notText {
			put(fmt.Sprintf("%q", bad), "81", text(bad))
		}
		p.lengths(put)
	case bin:
		p.lengths(put)
	case props:
		p.propertyLengths(put)
		s.properties(p, put)
	case fixed:
		p.flip(put)
	}
}

// lengths gives a string other lengths than its own.
func (p part) lengths(put func(what, want string, b []byte)) {
	put("length 65535", "81", append([]byte{255, 255}, p.bytes...))
	put("length one more", "81", append([]byte{0, byte(len(p.bytes) + 1)}, p.bytes...))
	shorter := "81"
	if p.shorter != "" {
		shorter = p.shorter
	}
	put("length one less", shorter, append([]byte{0, byte(len(p.bytes) - 1)}, p.bytes...))
}

// propertyLengths gives properties other lengths than their own.
func (p part) propertyLengths(put func(what, want string, b []byte)) {
	for n := range len(p.bytes) {
		want := "81"
		if other := p.splits[n]; other != "" {
			want = other
		}
		put(fmt.Sprintf("length %d", n), want, append([]byte{byte(n)}, p.bytes...))
	}
	put("length 127", "81", append([]byte{127}, p.bytes...))
	put("length of five bytes", "81", append([]byte{0x80, 0x80, 0x80, 0x80, 0}, p.bytes...))
	put("length not in its shortest form", "81", append([]byte{byte(len(p.bytes)) | 0x80, 0}, p.bytes...))
}

// flip turns each bit over.
func (p part) flip(put func(what, want string, b []byte)) {
	bits := strings.Fields(p.bits)
	for n := range p.bytes {
		for bit := range 8 {
			want := "served"
			if len(bits) > 0 {
				want = bits[8*n+bit]
			}
			b := slices.Clone(p.bytes)
			b[n] ^= 1 << bit
			put(fmt.Sprintf("byte %d, bit %d", n, bit), want, b)
		}
	}
}

// properties puts in what may not stand there, stands there twice, is cut, or has a value that it may not have.
func (s *spoiler) properties(p part, put func(what, want string, b []byte)) {
	place := s.place(p)
	section := func(what, want string, id byte, b ...[]byte) {
		all := slices.Concat(b...)
		put(fmt.Sprintf("property %#x %s", id, what), want, append([]byte{byte(len(all))}, all...))
	}
	for id := range byte(0x80) {
		value, known := unhex(values[id]), slices.Contains(allowed[id], place)
		one := append([]byte{id}, value...)
		if !known {
			want := "81"
			if slices.Contains(fromServer[id], place) {
				want = "82"
			}
			section("where it may not be", want, id, one, p.bytes)
			continue
		}
		if id != 0x26 {
			section("twice", "82", id, one, one)
		}
		for n := 1; n < len(one); n++ {
			section(fmt.Sprintf("of %d bytes", n), "81", id, one[:n])
		}
		for _, bad := range badValues[id] {
			section("is "+bad.hex, bad.code, id, []byte{id}, unhex(bad.hex))
		}
	}
}

// place names where the properties stand.
func (s sample) place(p part) string {
	if s.name == "connect" && p.bytes[0] == 0x18 {
		return "will"
	}
	return s.name
}

// assemble returns the body, where it may end, and what comes of some places where it may not.
func (s sample) assemble() (body []byte, ends []int, lacking map[int]string) {
	lacking = map[int]string{}
	for _, p := range s.body {
		if p.end {
			ends = append(ends, len(body))
			if p.kind == open {
				for n := range p.bytes {
					ends = append(ends, len(body)+n)
				}
			}
		}
		lacking[len(body)] = p.without
		body = append(body, p.encoded()...)
	}
	return body, ends, lacking
}

// misplaced are packets that are well-formed and come where they may not.
func misplaced() (all []broken) {
	for _, s := range samples {
		body, _, _ := s.assemble()
		one := broken{version: s.version, bytes: frame(s.first, body), what: fmt.Sprintf("%s %v", s.name, s.version)}
		if s.name == "connect" {
			one.what, one.want = one.what+" a second time", "82"
		} else {
			one.what, one.want, one.first = one.what+" before CONNECT", "closed", true
		}
		all = append(all, one)
	}
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		for _, p := range []mqtt.Packet{
			&mqtt.Connack{}, &mqtt.Suback{PacketID: 1, Codes: []mqtt.ReasonCode{0}},
			&mqtt.Unsuback{PacketID: 1, Codes: []mqtt.ReasonCode{0}}, &mqtt.Pingresp{},
		} {
			what := fmt.Sprintf("%v %v from a client", p.Type(), v)
			all = append(all, broken{what: what, version: v, bytes: p.Append(nil, v), want: "82"})
		}
		for first := range byte(16) {
			all = append(all, broken{what: fmt.Sprintf("type 0 %v", v), version: v, bytes: []byte{first, 0}, want: "81"})
			if v != mqtt.V5 {
				b := []byte{0xf0 | first, 0}
				all = append(all, broken{what: fmt.Sprintf("type 15 %v", v), version: v, bytes: b, want: "81"})
			}
		}
	}
	return append(all,
		broken{what: "AUTH without a method", version: mqtt.V5, bytes: unhex("f0 00"), want: "82"},
		broken{what: "AUTH of no authentication", version: mqtt.V5, bytes: unhex("f0 06 19 04 15 00 01 61"), want: "82"},
		broken{what: "DUP at QoS 0", version: mqtt.V5, bytes: unhex("38 04 00 01 61 00"), want: "82"},
		broken{what: "DUP at QoS 0", version: mqtt.V311, bytes: unhex("38 03 00 01 61"), want: "82"},
		broken{what: "an expiry that CONNECT had not", version: mqtt.V5, bytes: unhex("e0 07 00 05 11 00 00 00 01"), want: "82"},
		broken{what: "an alias that stands for nothing", version: mqtt.V5, bytes: unhex("30 06 00 00 03 23 00 05"), want: "82"},
		broken{what: "no topic and no alias", version: mqtt.V5, bytes: unhex("30 03 00 00 00"), want: "82"},
		broken{what: "packet identifier 0", version: mqtt.V5, bytes: unhex("32 06 00 01 61 00 00 00"), want: "82"},
		broken{what: "packet identifier 0", version: mqtt.V311, bytes: unhex("82 06 00 00 00 01 61 00"), want: "82"},
	)
}
