package mqtt

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// decoder reads fields from rest; the first error sticks, and reads after it return zero values.
type decoder struct {
	rest    []byte
	err     *Error
	version Version
	packet  Type

	// While next reads properties, rest is what is left of them.
	behind []byte // what follows the properties
	where  place  // where they stand
	seen   uint64 // a bit for each propertyID that has come
	prop   property
}

func (d *decoder) fail(code ReasonCode, detail string) {
	if d.err == nil {
		d.err = &Error{Code: code, Packet: d.packet, Detail: detail}
		d.rest, d.behind = nil, nil
	}
}

func (d *decoder) malformed(detail string) { d.fail(MalformedPacket, detail) }

// end checks that nothing is left over.
func (d *decoder) end() {
	if len(d.rest) > 0 {
		d.malformed("bytes behind the end")
	}
}

// bytes returns the next n bytes, without copying them, or nil.
func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) || d.err != nil {
		d.malformed("truncated")
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	b := d.bytes(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (d *decoder) uint16() uint16 {
	b := d.bytes(2)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func (d *decoder) uint32() uint32 {
	b := d.bytes(4)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// varint reads a variable byte integer: at most four bytes, and as few as its value needs [MQTT-1.5.5-1].
func (d *decoder) varint() uint32 {
	var v uint32
	for shift := 0; shift < 28; shift += 7 {
		b := d.byte()
		if d.err != nil {
			return 0
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			if b == 0 && shift > 0 {
				d.malformed("variable byte integer not in its shortest form")
			}
			return v
		}
	}
	d.malformed("variable byte integer of more than four bytes")
	return 0
}

// binary reads binary data, without copying it.
func (d *decoder) binary() []byte { return d.bytes(int(d.uint16())) }

// text reads a UTF-8 encoded string, without copying it.
func (d *decoder) text() []byte {
	b := d.binary()
	if !validText(b) {
		d.malformed("string is not UTF-8 or holds U+0000")
		return nil
	}
	return b
}

func (d *decoder) string() string { return string(d.text()) }

// validText reports whether b may be a string: well-formed UTF-8, which has neither surrogates nor overlong forms
// [MQTT-1.5.4-1], without U+0000 [MQTT-1.5.4-2].
func validText(b []byte) bool {
	if len(b) <= shortText && plainText(b) {
		return true
	}
	return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0
}

// shortText is up to what length plainText is faster than what looks at many bytes at once.
const shortText = 16

// plainText reports whether b is ASCII without U+0000.
func plainText(b []byte) bool {
	for _, c := range b {
		if c-1 >= utf8.RuneSelf-1 {
			return false
		}
	}
	return true
}

// packetID reads a packet identifier, which is never 0 [MQTT-2.2.1-3].
func (d *decoder) packetID() uint16 {
	id := d.uint16()
	if id == 0 && d.err == nil {
		d.fail(ProtocolError, "packet identifier 0")
	}
	return id
}

// topicName reads a topic name: at least one character [MQTT-4.7.3-1] and no wildcards [MQTT-3.3.2-2].
func (d *decoder) topicName() string {
	b := d.text()
	if d.err == nil && !validTopic(b) {
		d.fail(TopicNameInvalid, "topic name empty or with wildcards")
	}
	return string(b)
}

func validTopic(b []byte) bool {
	return len(b) > 0 && bytes.IndexByte(b, '+') < 0 && bytes.IndexByte(b, '#') < 0
}

// reason reads a reason code that the packet may carry.
func (d *decoder) reason() ReasonCode {
	c := ReasonCode(d.byte())
	if d.err == nil && !c.validIn(d.packet) {
		d.malformed("reason code not known for this packet")
	}
	return c
}

// orNil returns b, or nil if it is empty: where absent and empty mean the same, they look the same.
func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func appendVarint(dst []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

// varintSize returns the bytes that appendVarint appends.
func varintSize(v uint32) int {
	switch {
	case v < 1<<7:
		return 1
	case v < 1<<14:
		return 2
	case v < 1<<21:
		return 3
	}
	return 4
}

// appendBlock appends a string or binary data behind its length.
func appendBlock[T string | []byte](dst []byte, s T) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// begin appends the first byte of a packet. What follows, up to finish, is its body.
func begin(dst []byte, t Type) []byte { return append(dst, byte(t)<<4|fixedFlags[t]) }

// finish puts the length of dst[start:] before it: the remaining length of a packet, or a property length.
func finish(dst []byte, start int) []byte {
	n := len(dst) - start
	size := varintSize(uint32(n))
	dst = append(dst, 0, 0, 0, 0)[:len(dst)+size]
	copy(dst[start+size:], dst[start:start+n])
	appendVarint(dst[:start], uint32(n))
	return dst
}
