package conformance

import (
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
	// What comes of a packet that is spoiled here, where it is not what mutate says of all, in the words of broken.
	without string         // of one that ends before this part
	shorter string         // of a string's length that is one less than it should be
	bits    string         // of bits that are turned over, for each byte from the lowest; without it they may be
	splits  map[int]string // of properties that end after so many bytes
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
func raw(s string) part       { return part{kind: bin, bytes: []byte(s)} }
func property(s string) part  { return part{kind: props, bytes: unhex(s)} }
func (p part) optional() part { p.end = true; return p }

// flipped says what comes of the bits of a part.
func (p part) flipped(bits string) part { p.bits = bits; return p }

// needed says what comes of a packet without this part, if it is not malformed.
func (p part) needed(without string) part { p.without = without; return p }

// What comes of the bits of some bytes, from the lowest.
const (
	stranger8  = "86 86 86 86 86 86 86 86 " // the user of the samples is not known, which is looked at last
	malformed8 = "81 81 81 81 81 81 81 81 "
	// Reserved, clean start, will, will QoS, will retain, password and user name, where all are set but will QoS 2. The
	// will and what belongs to a user are there.
	flags5 = "81 86 81 86 81 86 81 81 "
	// The same, where will QoS and will retain are not set. Will QoS 2 may be, and user name must not be missing.
	flags4 = "closed 86 closed 86 86 86 closed closed "
	// The levels 4 and 1 are answered as their versions would have it, if at all.
	level5Bits = "closed 84 closed 84 84 84 84 84 "
	level4Bits = "closed closed 84 closed closed closed closed closed "
)

// samples are packets of each type that a client may send, after it has connected but for CONNECT.
var samples = []sample{
	{"connect", mqtt.V5, 0x10, []part{
		words("MQTT"), hexa("05").flipped(level5Bits), hexa("ee").flipped(flags5),
		hexa("00 3c").flipped(stranger8 + stranger8),
		property("11 00 00 00 00 21 00 0a 26 00 01 61 00 01 62"), words("~"), property("18 00 00 00 05 01 01 03 00 01 61"),
		words("will"), raw("gone"), words("user"), raw("secret"),
	}},
	{"connect", mqtt.V311, 0x10, []part{
		words("MQTT"), hexa("04").flipped(level4Bits), hexa("c6").flipped(flags4),
		hexa("00 3c").flipped(stranger8 + stranger8),
		words("~"), words("will"), raw("gone"), words("user"), raw("secret"),
	}},
	{"publish", mqtt.V5, 0x32, []part{
		words("~/a"), hexa("00 07"), publishProperties, {kind: open, bytes: []byte("hi"), end: true},
	}},
	{"publish", mqtt.V311, 0x3d, []part{
		{kind: str, bytes: []byte("~/a"), shorter: "served"}, hexa("00 07"), {kind: open, bytes: []byte("hi"), end: true},
	}},
	{"puback", mqtt.V5, 0x40, ackParts},
	{"pubrec", mqtt.V5, 0x50, ackParts},
	{"pubrel", mqtt.V5, 0x62, releaseParts},
	{"pubcomp", mqtt.V5, 0x70, releaseParts},
	{"puback", mqtt.V311, 0x40, []part{hexa("00 07")}},
	{"pubrec", mqtt.V311, 0x50, []part{hexa("00 07")}},
	{"pubrel", mqtt.V311, 0x62, []part{hexa("00 07")}},
	{"pubcomp", mqtt.V311, 0x70, []part{hexa("00 07")}},
	{"subscribe", mqtt.V5, 0x82, []part{
		hexa("00 07"), property("0b 05 26 00 01 61 00 01 62"),
		words("~/a").needed("82"), hexa("01").flipped("served 82 served served served served 81 81 "),
		words("~/b").optional(), hexa("2e").flipped("82 served served served 82 served 81 81 "),
	}},
	{"subscribe", mqtt.V311, 0x82, []part{
		hexa("00 07"),
		words("~/a"), hexa("01").flipped("served closed closed closed closed closed closed closed "),
		words("~/b").optional(), hexa("02").flipped("closed served closed closed closed closed closed closed "),
	}},
	{"unsubscribe", mqtt.V5, 0xa2, []part{
		hexa("00 07"), property("26 00 01 61 00 01 62"), words("~/a").needed("82"), words("~/b").optional(),
	}},
	{"unsubscribe", mqtt.V311, 0xa2, []part{hexa("00 07"), words("~/a"), words("~/b").optional()}},
	{"pingreq", mqtt.V5, 0xc0, nil},
	{"pingreq", mqtt.V311, 0xc0, nil},
	{"disconnect", mqtt.V5, 0xe0, []part{
		hexa("04").optional().flipped("81 81 closed 81 81 81 81 81 "), // 0x00 ends the connection as well
		property("11 00 00 00 00 1f 00 01 61 26 00 01 61 00 01 62").optional(),
	}},
	{"disconnect", mqtt.V311, 0xe0, nil},
	// Code 0x18 goes on with an authentication; there is none.
	{"auth", mqtt.V5, 0xf0, []part{hexa("19").optional().flipped("82 81 81 81 81 81 81 81 "), authProperties}},
}

var (
	// Where one property ends, properties may end: the rest is payload then.
	publishProperties = part{
		kind: props, bytes: unhex("01 01 02 00 00 00 09 03 00 01 61 08 00 01 62 09 00 01 63 26 00 01 61 00 01 62"),
		splits: map[int]string{0: "served", 2: "served", 7: "served", 11: "served", 15: "served", 19: "served"},
	}
	// Without its method an AUTH is a protocol error, before what follows is looked at.
	authProperties = part{
		kind: props, bytes: unhex("15 00 01 61 16 00 01 62 1f 00 01 63"), splits: map[int]string{0: "82"},
	}
	// The reason codes are 0x97 and 0x92. Of those that differ by one bit 0x87 is another one of PUBACK and PUBREC.
	ackParts = []part{
		hexa("00 07"), hexa("97").optional().flipped("81 81 81 81 served 81 81 81 "),
		property("1f 00 01 61 26 00 01 61 00 01 62").optional(),
	}
	releaseParts = []part{
		hexa("00 07"), hexa("92").optional().flipped(malformed8), property("1f 00 01 61").optional(),
	}
)

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

// fromServer are places of properties that only servers write, which is another error.
var fromServer = map[byte][]string{0x0b: {"publish"}, 0x1c: {"disconnect"}}

// badValues are values that a property may not have, and the reason codes that tell so.
var badValues = map[byte][]struct{ hex, code string }{
	0x01: {{"02", "82"}, {"ff", "82"}},
	0x03: {{"00 01 00", "81"}, {"00 02 c0 af", "81"}},
	0x08: {{"00 01 ff", "81"}, {"00 00", "90"}, {"00 01 23", "90"}, {"00 03 61 2f 2b", "90"}},
	0x0b: {{"00", "82"}, {"80 00", "81"}, {"80 80 80 80 01", "81"}},
	0x15: {{"00 01 ff", "81"}},
	0x17: {{"02", "82"}, {"ff", "82"}},
	0x19: {{"02", "82"}, {"ff", "82"}},
	0x1f: {{"00 01 ff", "81"}, {"00 03 ed a0 80", "81"}},
	0x21: {{"00 00", "82"}},
	0x23: {{"00 00", "94"}, {"ff ff", "94"}},
	0x26: {{"00 01 ff 00 01 61", "81"}, {"00 01 61 00 01 ff", "81"}, {"00 01 00 00 01 61", "81"}},
	0x27: {{"00 00 00 00", "82"}},
}
