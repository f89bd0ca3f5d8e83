package conformance

import (
	"fmt"
	"slices"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// sample is a well-formed packet of a client in parts, from which malformed ones are made.
type sample struct {
	name    string
	version mqtt.Version
	first   byte
	body    []part
}

// part is a piece of a packet's body.
type part struct {
	kind  partKind
	bytes []byte // of a string, without its length
	end   bool   // the packet may end before this part
}

type partKind uint8

const (
	fixed partKind = iota // bytes that are nothing of the following
	str                   // UTF-8 encoded string
	bin                   // binary data
	props                 // properties, without their length
	open                  // a payload: whatever is left
)

func (p part) encoded() []byte {
	switch p.kind {
	case str, bin:
		return text(string(p.bytes))
	case props:
		return append([]byte{byte(len(p.bytes))}, p.bytes...)
	}
	return p.bytes
}

func hexa(s string) part      { return part{kind: fixed, bytes: unhex(s)} }
func words(s string) part     { return part{kind: str, bytes: []byte(s)} }
func property(s string) part  { return part{kind: props, bytes: unhex(s)} }
func (p part) optional() part { p.end = true; return p }

// samples are packets of each type that a client may send, after it has connected but for CONNECT.
var samples = []sample{
	{"connect", mqtt.V5, 0x10, []part{
		words("MQTT"), hexa("05 ee 00 3c"), property("11 00 00 00 00 21 00 0a 26 00 01 61 00 01 62"), words("~"),
		property("18 00 00 00 05 01 01 03 00 01 61"), words("will"),
		{kind: bin, bytes: []byte("gone")},
		words("user"),
		{kind: bin, bytes: []byte("secret")},
	}},
	{"connect", mqtt.V311, 0x10, []part{
		words("MQTT"), hexa("04 c6 00 3c"), words("~"), words("will"),
		{kind: bin, bytes: []byte("gone")},
		words("user"),
		{kind: bin, bytes: []byte("secret")},
	}},
	{"publish", mqtt.V5, 0x32, []part{
		words("~/a"), hexa("00 07"),
		property("01 01 02 00 00 00 09 03 00 01 61 08 00 01 62 09 00 01 63 26 00 01 61 00 01 62"),
		{kind: open, bytes: []byte("hi"), end: true},
	}},
	{"publish", mqtt.V311, 0x3d, []part{words("~/a"), hexa("00 07"), {kind: open, bytes: []byte("hi"), end: true}}},
	{"puback", mqtt.V5, 0x40, ackParts},
	{"pubrec", mqtt.V5, 0x50, ackParts},
	{"pubrel", mqtt.V5, 0x62, []part{hexa("00 07"), hexa("92").optional(), property("1f 00 01 61").optional()}},
	{"pubcomp", mqtt.V5, 0x70, []part{hexa("00 07"), hexa("92").optional(), property("1f 00 01 61").optional()}},
	{"puback", mqtt.V311, 0x40, []part{hexa("00 07")}},
	{"pubrec", mqtt.V311, 0x50, []part{hexa("00 07")}},
	{"pubrel", mqtt.V311, 0x62, []part{hexa("00 07")}},
	{"pubcomp", mqtt.V311, 0x70, []part{hexa("00 07")}},
	{"subscribe", mqtt.V5, 0x82, []part{
		hexa("00 07"), property("0b 05 26 00 01 61 00 01 62"), words("~/a"), hexa("01"), words("~/b").optional(), hexa("2e"),
	}},
	{"subscribe", mqtt.V311, 0x82, []part{hexa("00 07"), words("~/a"), hexa("01"), words("~/b").optional(), hexa("02")}},
	{"unsubscribe", mqtt.V5, 0xa2, []part{
		hexa("00 07"), property("26 00 01 61 00 01 62"), words("~/a"), words("~/b").optional(),
	}},
	{"unsubscribe", mqtt.V311, 0xa2, []part{hexa("00 07"), words("~/a"), words("~/b").optional()}},
	{"pingreq", mqtt.V5, 0xc0, nil},
	{"pingreq", mqtt.V311, 0xc0, nil},
	{"disconnect", mqtt.V5, 0xe0, []part{
		hexa("04").optional(), property("11 00 00 00 00 1f 00 01 61 26 00 01 61 00 01 62").optional(),
	}},
	{"disconnect", mqtt.V311, 0xe0, nil},
	{"auth", mqtt.V5, 0xf0, []part{hexa("19").optional(), property("15 00 01 61 16 00 01 62 1f 00 01 63")}},
}

var ackParts = []part{hexa("00 07"), hexa("97").optional(), property("1f 00 01 61 26 00 01 61 00 01 62").optional()}

// broken is bytes that a client sends, which make no packet that a server may accept.
type broken struct {
	what    string
	version mqtt.Version
	bytes   []byte
	first   bool // it comes instead of CONNECT
	cut     bool // the packet is not all there: the client hangs up behind it
	tame    bool // it may happen to be well-formed
}

// mutate makes everything malformed that can be made of a sample.
func (s sample) mutate() (all []broken) {
	add := func(what string, b []byte, more ...func(*broken)) {
		what = s.name + " " + s.version.String() + ": " + what
		m := broken{what: what, version: s.version, bytes: b, first: s.name == "connect"}
		for _, f := range more {
			f(&m)
		}
		all = append(all, m)
	}
	cut := func(m *broken) { m.cut = true }
	tame := func(m *broken) { m.tame = true }
	body, ends := s.assemble()
	whole := frame(s.first, body)

	for n := 1; n < len(whole); n++ {
		add(fmt.Sprintf("the connection ends after %d bytes", n), whole[:n], cut)
	}
	for n := range body {
		if !slices.Contains(ends, n) {
			add(fmt.Sprintf("%d bytes of %d", n, len(body)), frame(s.first, body[:n]))
		}
	}
	for flags := range byte(16) {
		if first := s.first&0xf0 | flags; first != s.first && s.first>>4 != 3 {
			add(fmt.Sprintf("flags %x", flags), frame(first, body))
		}
	}
	if len(s.body) == 0 || s.body[len(s.body)-1].kind != open {
		add("a byte too many", frame(s.first, append(slices.Clone(body), 0)))
		add("the same twice in one", frame(s.first, slices.Concat(body, body)), tame)
	}
	rest := append([]byte{byte(len(body))&0x7f | 0x80}, byte(len(body)>>7)|0x80)
	add("remaining length of five bytes", slices.Concat([]byte{s.first}, rest, []byte{0x80, 0x80, 0}, body))
	add("remaining length not in its shortest form", slices.Concat([]byte{s.first}, rest, []byte{0}, body))
	add("remaining length of 256 MiB", slices.Concat([]byte{s.first, 0xff, 0xff, 0xff, 0x7f}, body))
	for i, p := range s.body {
		s.mutatePart(i, p, add, tame)
	}
	return all
}

// mutatePart spoils one part.
func (s sample) mutatePart(i int, p part, add func(string, []byte, ...func(*broken)), tame func(*broken)) {
	before, _ := sample{body: s.body[:i]}.assemble()
	behind, _ := sample{body: s.body[i+1:]}.assemble()
	put := func(what string, b []byte, more ...func(*broken)) {
		add(fmt.Sprintf("part %d: %s", i, what), frame(s.first, slices.Concat(before, b, behind)), more...)
	}
	switch p.kind {
	case str:
		for _, bad := range notText {
			put(fmt.Sprintf("%q", bad), text(bad))
		}
		fallthrough
	case bin:
		put("length 65535", append([]byte{255, 255}, p.bytes...))
		put("length one more", append([]byte{0, byte(len(p.bytes) + 1)}, p.bytes...), tame)
		put("length one less", append([]byte{0, byte(len(p.bytes) - 1)}, p.bytes...), tame)
	case props:
		for n := range len(p.bytes) {
			put(fmt.Sprintf("length %d", n), append([]byte{byte(n)}, p.bytes...), tame)
		}
		put("length 127", append([]byte{127}, p.bytes...))
		put("length of five bytes", append([]byte{0x80, 0x80, 0x80, 0x80, 0}, p.bytes...))
		put("length not in its shortest form", append([]byte{byte(len(p.bytes)) | 0x80, 0}, p.bytes...))
		s.mutateProperties(p, put)
	case fixed:
		for n := range p.bytes {
			for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64, 128} {
				b := slices.Clone(p.bytes)
				b[n] ^= bit
				put(fmt.Sprintf("byte %d xor %x", n, bit), b, tame)
			}
		}
	}
}

// mutateProperties puts in what may not stand there.
func (s sample) mutateProperties(p part, put func(string, []byte, ...func(*broken))) {
	for id := range byte(0x80) {
		if value, known := values[id]; !known || !slices.Contains(allowed[id], s.place(p)) {
			b := slices.Concat([]byte{id}, unhex(value), p.bytes)
			put(fmt.Sprintf("property %#x", id), append([]byte{byte(len(b))}, b...))
		}
	}
	for id, value := range values {
		if slices.Contains(allowed[id], s.place(p)) && id != 0x26 {
			b := slices.Concat([]byte{id}, unhex(value), []byte{id}, unhex(value))
			put(fmt.Sprintf("property %#x twice", id), append([]byte{byte(len(b))}, b...))
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

// assemble returns the body, and where it may end.
func (s sample) assemble() (body []byte, ends []int) {
	for _, p := range s.body {
		if p.end {
			ends = append(ends, len(body))
			if p.kind == open {
				for n := range p.bytes {
					ends = append(ends, len(body)+n)
				}
			}
		}
		body = append(body, p.encoded()...)
	}
	return body, ends
}

// values are a value for each property (section 2.2.2.2 of MQTT 5.0).
var values = map[byte]string{
	0x01: "00", 0x02: "00 00 00 01", 0x03: "00 01 61", 0x08: "00 01 61", 0x09: "00 01 61", 0x0b: "01",
	0x11: "00 00 00 01", 0x12: "00 01 61", 0x13: "00 01", 0x15: "00 01 61", 0x16: "00 01 61", 0x17: "00",
	0x18: "00 00 00 01", 0x19: "00", 0x1a: "00 01 61", 0x1c: "00 01 61", 0x1f: "00 01 61", 0x21: "00 01",
	0x22: "00 01", 0x23: "00 01", 0x24: "01", 0x25: "01", 0x26: "00 01 61 00 01 61", 0x27: "00 00 10 00",
	0x28: "01", 0x29: "01", 0x2a: "01",
}

// allowed are the places of each property, of those that clients write.
var allowed = map[byte][]string{
	0x01: {"publish", "will"}, 0x02: {"publish", "will"}, 0x03: {"publish", "will"}, 0x08: {"publish", "will"},
	0x09: {"publish", "will"}, 0x0b: {"subscribe"}, 0x11: {"connect", "disconnect"},
	0x15: {"connect", "auth"}, 0x16: {"connect", "auth"}, 0x17: {"connect"}, 0x18: {"will"}, 0x19: {"connect"},
	0x1f: {"puback", "pubrec", "pubrel", "pubcomp", "disconnect", "auth"}, 0x21: {"connect"},
	0x22: {"connect"}, 0x23: {"publish"},
	0x26: {
		"connect", "will", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "unsubscribe",
		"disconnect", "auth",
	},
	0x27: {"connect"},
}
