package mqtt

import (
	"encoding/binary"
	"iter"
	"slices"
)

// propertyID is the identifier of an MQTT 5 property. On the wire it is a variable byte integer, but none needs more
// than a byte.
type propertyID byte

const (
	propPayloadFormat       propertyID = 0x01
	propMessageExpiry       propertyID = 0x02
	propContentType         propertyID = 0x03
	propResponseTopic       propertyID = 0x08
	propCorrelationData     propertyID = 0x09
	propSubscriptionID      propertyID = 0x0B
	propSessionExpiry       propertyID = 0x11
	propAssignedClientID    propertyID = 0x12
	propServerKeepAlive     propertyID = 0x13
	propAuthMethod          propertyID = 0x15
	propAuthData            propertyID = 0x16
	propRequestProblemInfo  propertyID = 0x17
	propWillDelay           propertyID = 0x18
	propRequestResponseInfo propertyID = 0x19
	propResponseInfo        propertyID = 0x1A
	propServerReference     propertyID = 0x1C
	propReasonString        propertyID = 0x1F
	propReceiveMaximum      propertyID = 0x21
	propTopicAliasMaximum   propertyID = 0x22
	propTopicAlias          propertyID = 0x23
	propMaximumQoS          propertyID = 0x24
	propRetainAvailable     propertyID = 0x25
	propUserProperty        propertyID = 0x26
	propMaximumPacketSize   propertyID = 0x27
	propWildcardsAvailable  propertyID = 0x28
	propIDsAvailable        propertyID = 0x29
	propSharedAvailable     propertyID = 0x2A
	propEnd                 propertyID = 0x2B
)

// propertyKind is how a property's value is encoded, and what it may be.
type propertyKind uint8

const (
	kindBit      propertyKind = iota + 1 // a byte that is 0 or 1
	kindUint16                           // two byte integer
	kindUint32                           // four byte integer
	kindVarint                           // variable byte integer
	kindBinary                           // binary data
	kindText                             // UTF-8 encoded string
	kindPair                             // UTF-8 string pair
	kindMask     = 0x0f
	kindNonZero  = 0x10 // 0 is a protocol error
	kindRepeated = 0x20 // it may stand more than once
)

// inMessage are the places of a property that is forwarded unaltered.
var inMessage = in(TypePublish) | inWill | inForward

// properties lists every property with its kind and where it may stand (section 2.2.2.2 of MQTT 5.0). A subscription
// identifier may repeat in PUBLISH only, which SUBSCRIBE checks itself.
var properties = [propEnd]struct {
	kind  propertyKind
	where place
}{
	propPayloadFormat:       {kindBit, inMessage},
	propMessageExpiry:       {kindUint32, in(TypePublish) | inWill},
	propContentType:         {kindText, inMessage},
	propResponseTopic:       {kindText, inMessage},
	propCorrelationData:     {kindBinary, inMessage},
	propSubscriptionID:      {kindVarint | kindNonZero | kindRepeated, in(TypePublish, TypeSubscribe)},
	propSessionExpiry:       {kindUint32, in(TypeConnect, TypeConnack, TypeDisconnect)},
	propAssignedClientID:    {kindText, in(TypeConnack)},
	propServerKeepAlive:     {kindUint16, in(TypeConnack)},
	propAuthMethod:          {kindText, in(TypeConnect, TypeConnack, TypeAuth)},
	propAuthData:            {kindBinary, in(TypeConnect, TypeConnack, TypeAuth)},
	propRequestProblemInfo:  {kindBit, in(TypeConnect)},
	propWillDelay:           {kindUint32, inWill},
	propRequestResponseInfo: {kindBit, in(TypeConnect)},
	propResponseInfo:        {kindText, in(TypeConnack)},
	propServerReference:     {kindText, in(TypeConnack, TypeDisconnect)},
	propReasonString: {kindText, in(TypeConnack, TypePuback, TypePubrec, TypePubrel, TypePubcomp, TypeSuback,
		TypeUnsuback, TypeDisconnect, TypeAuth)},
	propReceiveMaximum:    {kindUint16 | kindNonZero, in(TypeConnect, TypeConnack)},
	propTopicAliasMaximum: {kindUint16, in(TypeConnect, TypeConnack)},
	propTopicAlias:        {kindUint16 | kindNonZero, in(TypePublish)},
	propMaximumQoS:        {kindBit, in(TypeConnack)},
	propRetainAvailable:   {kindBit, in(TypeConnack)},
	propUserProperty: {kindPair | kindRepeated, inMessage | in(TypeConnect, TypeConnack, TypePuback, TypePubrec,
		TypePubrel, TypePubcomp, TypeSubscribe, TypeSuback, TypeUnsubscribe, TypeUnsuback, TypeDisconnect, TypeAuth)},
	propMaximumPacketSize:  {kindUint32 | kindNonZero, in(TypeConnect, TypeConnack)},
	propWildcardsAvailable: {kindBit, in(TypeConnack)},
	propIDsAvailable:       {kindBit, in(TypeConnack)},
	propSharedAvailable:    {kindBit, in(TypeConnack)},
}

// property is what decoder.next has read.
type property struct {
	id     propertyID
	number uint32 // the value, if it is a number
	data   []byte // the value, if it is a string or binary data
	raw    []byte // the whole property as it came
}

// properties begins to read a property length and the properties behind it, which may stand in the given place.
// MQTT 3 has none. The caller then calls next until it returns false.
func (d *decoder) properties(where place) {
	if d.version == V5 {
		section := d.bytes(int(d.varint()))
		d.behind, d.rest = d.rest, section
	} else {
		d.behind, d.rest = d.rest, nil
	}
	d.where, d.seen = where, 0
}

// next reads a property and checks it. At the end of the properties, and after an error, it returns false.
func (d *decoder) next() bool {
	if len(d.rest) == 0 {
		d.rest, d.behind = d.behind, nil
		return false
	}
	id := propertyID(d.rest[0])
	switch {
	case id >= propEnd || properties[id].where&d.where == 0:
		d.malformed("property not known for this packet")
	case d.has(id) && properties[id].kind&kindRepeated == 0:
		d.fail(ProtocolError, "property more than once")
	default:
		d.seen |= 1 << id
		start := d.rest
		d.prop = property{id: id}
		d.value(properties[id].kind)
		d.prop.raw = start[:len(start)-len(d.rest)]
	}
	return d.err == nil
}

// has reports whether next has come upon the property.
func (d *decoder) has(id propertyID) bool { return d.seen&(1<<id) != 0 }

// value reads the property at the start of rest, its identifier included.
func (d *decoder) value(kind propertyKind) {
	d.byte()
	p := &d.prop
	switch kind & kindMask {
	case kindBit:
		p.number = uint32(d.byte())
	case kindUint16:
		p.number = uint32(d.uint16())
	case kindUint32:
		p.number = d.uint32()
	case kindVarint:
		p.number = d.varint()
	case kindBinary:
		p.data = d.binary()
	case kindText:
		p.data = d.text()
	case kindPair:
		d.pairs()
	}
	if d.err == nil {
		d.checkValue(kind)
	}
}

// pairs reads a string pair [MQTT-1.5.7-1], and with it the user properties behind it: there may be a million of them.
func (d *decoder) pairs() {
	for {
		rest, ok := afterPair(d.rest)
		if !ok {
			d.text() // one of them says what is wrong
			d.text()
			return
		}
		if d.rest = rest; len(rest) == 0 || propertyID(rest[0]) != propUserProperty {
			return
		}
		d.rest = rest[1:]
	}
}

// afterPair returns what follows the string pair at the start of b; false: that is none.
func afterPair(b []byte) (rest []byte, ok bool) {
	if b, ok = afterText(b); !ok {
		return nil, false
	}
	return afterText(b)
}

// afterText returns what follows the string at the start of b; false: that is none.
func afterText(b []byte) (rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if n > len(b) {
		return nil, false
	}
	return b[n:], n == 2 || validText(b[2:n])
}

// checkValue refuses values that no property of its kind may have.
func (d *decoder) checkValue(kind propertyKind) {
	switch p := &d.prop; {
	case kind&kindMask == kindBit && p.number > 1:
		d.fail(ProtocolError, "property is neither 0 nor 1")
	case kind&kindNonZero != 0 && p.number == 0 && p.id == propTopicAlias: // [MQTT-3.3.2-8]
		d.fail(TopicAliasInvalid, "topic alias 0")
	case kind&kindNonZero != 0 && p.number == 0:
		d.fail(ProtocolError, "property is 0")
	case p.id == propResponseTopic && !validTopic(p.data): // [MQTT-3.3.2-14]
		d.fail(TopicNameInvalid, "response topic empty or with wildcards")
	case p.id == propAuthMethod && len(p.data) == 0:
		d.fail(BadAuthenticationMethod, "authentication method without a name")
	}
}

// run collects properties as they came. As long as they follow each other on the wire it copies nothing.
type run struct {
	wire   []byte
	behind int // bytes behind wire in the place that it is a part of
	copied bool
}

// add appends the property that d has just read.
func (c *run) add(d *decoder) {
	n, raw := len(c.wire), d.prop.raw
	switch {
	case n == 0:
		c.wire = raw
	case !c.copied && c.behind == len(raw)+len(d.rest):
		c.wire = c.wire[:n+len(raw)]
	default:
		if !c.copied {
			c.wire, c.copied = slices.Clip(c.wire), true
		}
		c.wire = append(c.wire, raw...)
	}
	c.behind = len(d.rest)
}

// properties returns what was added.
func (c *run) properties() []byte { return slices.Clip(c.wire) }

// UserProperties are user properties in wire form, in their order: each is its identifier 0x26, its name and its
// value.
type UserProperties []byte

// Add returns u with one more property. Name and value are UTF-8 without U+0000.
func (u UserProperties) Add(name, value string) UserProperties {
	u = append(u, byte(propUserProperty))
	u = appendBlock(u, name)
	return appendBlock(u, value)
}

// All returns the properties in their order. It stops at what is not well-formed.
func (u UserProperties) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		d := decoder{rest: u}
		for len(d.rest) > 0 {
			id, name, value := d.byte(), d.string(), d.string()
			if d.err != nil || propertyID(id) != propUserProperty || !yield(name, value) {
				return
			}
		}
	}
}

func appendUint16(dst []byte, id propertyID, v uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, byte(id)), v)
}

func appendUint32(dst []byte, id propertyID, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(id)), v)
}

// The following append a property unless its value is the one that stands for its absence.

func appendOptional16(dst []byte, id propertyID, v uint16) []byte {
	if v == 0 {
		return dst
	}
	return appendUint16(dst, id, v)
}

func appendOptional32(dst []byte, id propertyID, v uint32) []byte {
	if v == 0 {
		return dst
	}
	return appendUint32(dst, id, v)
}

func appendOptional[T string | []byte](dst []byte, id propertyID, v T) []byte {
	if len(v) == 0 {
		return dst
	}
	return appendBlock(append(dst, byte(id)), v)
}

func appendUnless(dst []byte, id propertyID, v, absent bool) []byte {
	switch {
	case v == absent:
		return dst
	case v:
		return append(dst, byte(id), 1)
	}
	return append(dst, byte(id), 0)
}

func appendReceiveMaximum(dst []byte, v uint16) []byte {
	if v == defaultReceiveMaximum {
		return dst
	}
	return appendOptional16(dst, propReceiveMaximum, v)
}
