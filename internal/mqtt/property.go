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

// propertyReader goes through the properties of one place. The first error sticks in the decoder.
type propertyReader struct {
	d     *decoder
	where place
	rest  []byte
	seen  uint64 // a bit for each propertyID

	// What next has read.
	id     propertyID
	number uint32 // the value, if it is a number
	data   []byte // the value, if it is a string or binary data
	raw    []byte // the whole property as it came
}

// properties reads a property length and returns a reader of the properties behind it. MQTT 3 has none.
func (d *decoder) properties(where place) propertyReader {
	if d.version != V5 {
		return propertyReader{d: d}
	}
	return propertyReader{d: d, where: where, rest: d.bytes(int(d.varint()))}
}

// next reads a property and checks it; false is the end or an error.
func (r *propertyReader) next() bool {
	if len(r.rest) == 0 || r.d.err != nil {
		return false
	}
	r.id = propertyID(r.rest[0])
	if r.id >= propEnd || properties[r.id].where&r.where == 0 {
		r.d.malformed("property not known for this packet")
		return false
	}
	kind := properties[r.id].kind
	if r.has(r.id) && kind&kindRepeated == 0 {
		r.d.fail(ProtocolError, "property more than once")
		return false
	}
	r.seen |= 1 << r.id
	r.read(kind)
	return r.d.err == nil
}

// read reads the property at the start of rest.
func (r *propertyReader) read(kind propertyKind) {
	value := decoder{rest: r.rest[1:], packet: r.d.packet}
	r.number, r.data = 0, nil
	switch kind & kindMask {
	case kindBit:
		r.number = uint32(value.byte())
		if r.number > 1 {
			value.fail(ProtocolError, "property is neither 0 nor 1")
		}
	case kindUint16:
		r.number = uint32(value.uint16())
	case kindUint32:
		r.number = value.uint32()
	case kindVarint:
		r.number = value.varint()
	case kindBinary:
		r.data = value.binary()
	case kindText:
		r.data = value.text()
	case kindPair: // [MQTT-1.5.7-1]
		value.text()
		value.text()
	}
	if value.err != nil {
		r.d.fail(value.err.Code, value.err.Detail)
		return
	}
	r.checkValue(kind)
	r.raw = r.rest[:len(r.rest)-len(value.rest)]
	r.rest = value.rest
}

// checkValue refuses values that no property of its kind may have.
func (r *propertyReader) checkValue(kind propertyKind) {
	switch {
	case kind&kindNonZero != 0 && r.number == 0 && r.id == propTopicAlias: // [MQTT-3.3.2-8]
		r.d.fail(TopicAliasInvalid, "topic alias 0")
	case kind&kindNonZero != 0 && r.number == 0:
		r.d.fail(ProtocolError, "property is 0")
	case r.id == propResponseTopic && !validTopic(r.data): // [MQTT-3.3.2-14]
		r.d.fail(TopicNameInvalid, "response topic is empty or has wildcards")
	case r.id == propAuthMethod && len(r.data) == 0:
		r.d.fail(BadAuthenticationMethod, "authentication method without a name")
	}
}

// has reports whether next has come upon the property.
func (r *propertyReader) has(id propertyID) bool { return r.seen&(1<<id) != 0 }

// run collects properties as they came. As long as they follow each other on the wire it copies nothing.
type run struct {
	wire   []byte
	behind int // bytes behind wire in the place that it is a part of
	copied bool
}

// add appends the property that r has just read.
func (c *run) add(r *propertyReader) {
	if len(c.wire) == 0 {
		c.wire, c.behind = r.raw, len(r.rest)
		return
	}
	n := len(c.wire)
	if !c.copied && c.behind == len(r.raw)+len(r.rest) {
		c.wire, c.behind = c.wire[:n+len(r.raw)], len(r.rest)
		return
	}
	if !c.copied {
		c.wire, c.copied = c.wire[:n:n], true
	}
	c.wire = append(c.wire, r.raw...)
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
