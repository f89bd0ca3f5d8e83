package mqtt

import (
	"encoding/binary"
	"math"
)

// Publish carries an application message.
type Publish struct {
	Topic    string // empty only with TopicAlias
	Payload  []byte
	QoS      byte // 0, 1 or 2
	Dup      bool
	Retain   bool
	PacketID uint16 // only at QoS 1 and 2

	HasExpiry       bool
	Expiry          uint32   // seconds that the message has left; only with HasExpiry
	TopicAlias      uint16   // 0: none
	SubscriptionIDs []uint32 // only from a server; each from 1 to 268,435,455
	// Forward holds the properties that a server passes on unaltered, in wire form without a length and in the
	// sender's order: payload format, content type, response topic, correlation data, user properties. ParseForward
	// reads them.
	Forward []byte
}

// The lower half of a PUBLISH's first byte.
const (
	publishRetain = 1
	publishQoS1   = 2
	publishQoS    = 6
)

// Type implements Packet.
func (*Publish) Type() Type { return TypePublish }

// DecodePublish reads a PUBLISH as Decode does, but into p, whose old contents it replaces; of SubscriptionIDs it
// uses the space again. The error, if any, is an *Error, and p is of no use then.
func DecodePublish(p *Publish, first byte, body []byte, v Version) error {
	d := decoder{rest: body, version: v, packet: TypePublish}
	if err := p.decode(&d, first&0x0f); err != nil {
		return err
	}
	return nil
}

func (p *Publish) decode(d *decoder, flags byte) *Error {
	*p = Publish{
		QoS:             flags & publishQoS / publishQoS1,
		Dup:             flags&dupFlag != 0,
		Retain:          flags&publishRetain != 0,
		SubscriptionIDs: p.SubscriptionIDs[:0],
	}
	p.checkFlags(d)
	topic := d.text()
	if p.QoS > 0 {
		p.PacketID = d.packetID()
	}
	if d.version == V5 {
		p.decodeProperties(d)
	}
	p.checkTopic(d, topic)
	if d.err != nil {
		return d.err
	}
	p.Topic, p.Payload = string(topic), d.rest
	return nil
}

func (p *Publish) checkFlags(d *decoder) {
	switch {
	case !d.version.known(): // [MQTT-3.1.0-1]
		d.fail(ProtocolError, "no connect before it")
	case p.QoS == 3: // [MQTT-3.3.1-4]
		d.malformed("QoS 3")
	case p.Dup && p.QoS == 0: // [MQTT-3.3.1-2]
		d.fail(ProtocolError, "DUP at QoS 0")
	}
}

// checkTopic checks the topic's name, which may be missing where an alias stands for it.
func (p *Publish) checkTopic(d *decoder, name []byte) {
	switch {
	case len(name) == 0 && p.TopicAlias != 0:
	case len(name) == 0 && d.version == V5:
		d.fail(ProtocolError, "neither topic name nor topic alias")
	case !validTopic(name): // [MQTT-3.3.2-2] [MQTT-4.7.3-1]
		d.fail(TopicNameInvalid, "topic name is empty or has wildcards")
	}
}

func (p *Publish) decodeProperties(d *decoder) {
	var forward run
	r := d.properties(in(TypePublish))
	for r.next() {
		switch r.id {
		case propMessageExpiry:
			p.Expiry, p.HasExpiry = r.number, true
		case propTopicAlias:
			p.TopicAlias = uint16(r.number)
		case propSubscriptionID:
			p.SubscriptionIDs = append(p.SubscriptionIDs, r.number)
		default:
			forward.add(&r)
		}
	}
	p.Forward = forward.properties()
}

// Append implements Packet.
func (p *Publish) Append(dst []byte, v Version) []byte {
	l := p.layout(v)
	dst = append(dst, p.first())
	dst = appendVarint(dst, l.remaining)
	dst = appendBlock(dst, p.Topic)
	if p.QoS > 0 {
		dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	}
	if v == V5 {
		dst = appendVarint(dst, l.properties)
		dst = p.appendProperties(dst)
	}
	return append(dst, p.Payload...)
}

// first returns the packet's first byte.
func (p *Publish) first() byte {
	first := byte(TypePublish)<<4 | p.QoS&3*publishQoS1
	if p.Dup {
		first |= dupFlag
	}
	if p.Retain {
		first |= publishRetain
	}
	return first
}

// publishLayout holds the lengths that stand in a PUBLISH.
type publishLayout struct {
	remaining  uint32
	properties uint32
}

func (p *Publish) layout(v Version) publishLayout {
	var l publishLayout
	n := 2 + min(len(p.Topic), math.MaxUint16) + len(p.Payload)
	if p.QoS > 0 {
		n += 2
	}
	if v == V5 {
		properties := p.propertiesSize()
		l.properties = uint32(properties)
		n += varintSize(l.properties) + properties
	}
	l.remaining = uint32(n)
	return l
}

// Size returns the bytes that Append appends.
func (p *Publish) Size(v Version) int {
	n := p.layout(v).remaining
	return 1 + varintSize(n) + int(n)
}

func (p *Publish) propertiesSize() int {
	n := len(p.Forward)
	if p.HasExpiry {
		n += 5
	}
	if p.TopicAlias != 0 {
		n += 3
	}
	for _, id := range p.SubscriptionIDs {
		n += 1 + varintSize(id)
	}
	return n
}

// appendProperties appends the properties, the expiry first, where Frame looks for it.
func (p *Publish) appendProperties(dst []byte) []byte {
	if p.HasExpiry {
		dst = appendUint32(dst, propMessageExpiry, p.Expiry)
	}
	dst = appendOptional16(dst, propTopicAlias, p.TopicAlias)
	for _, id := range p.SubscriptionIDs {
		dst = appendVarint(append(dst, byte(propSubscriptionID)), id)
	}
	return append(dst, p.Forward...)
}
