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

func (d *decoder) checkPublishFlags(flags byte) {
	switch qos := flags & publishQoS / publishQoS1; {
	case qos == 3: // [MQTT-3.3.1-4]
		d.malformed("QoS 3")
	case qos == 0 && flags&dupFlag != 0: // [MQTT-3.3.1-2]
		d.fail(ProtocolError, "DUP at QoS 0")
	}
}

// maxSubscriptionIDs is how many of a client's subscriptions a PUBLISH may name: more than any client has that would want
// to be told. In memory one takes several times its bytes on the wire.
const maxSubscriptionIDs = 1 << 16

// publish reads a PUBLISH into p, which is zero. What the other fields leave is the payload.
func (d *decoder) publish(p *Publish, first byte) {
	p.QoS = first & publishQoS / publishQoS1
	p.Dup = first&dupFlag != 0
	p.Retain = first&publishRetain != 0
	topic := d.text()
	if p.QoS > 0 {
		p.PacketID = d.packetID()
	}
	d.publishProperties(p)
	d.checkTopic(topic, p.TopicAlias)
	p.Topic, p.Payload = string(topic), d.rest
}

// checkTopic checks the topic name of a PUBLISH, which may be missing where an alias stands for it.
func (d *decoder) checkTopic(name []byte, alias uint16) {
	switch {
	case len(name) == 0 && alias != 0:
	case len(name) == 0 && d.version == V5:
		d.fail(ProtocolError, "neither topic name nor topic alias")
	case !validTopic(name): // [MQTT-3.3.2-2] [MQTT-4.7.3-1]
		d.fail(TopicNameInvalid, "topic name empty or with wildcards")
	}
}

func (d *decoder) publishProperties(p *Publish) {
	var forward run
	d.properties(in(TypePublish))
	for d.next() {
		switch d.prop.id {
		case propMessageExpiry:
			p.Expiry, p.HasExpiry = d.prop.number, true
		case propTopicAlias:
			p.TopicAlias = uint16(d.prop.number)
		case propSubscriptionID:
			if len(p.SubscriptionIDs) >= maxSubscriptionIDs {
				d.fail(QuotaExceeded, "too many subscription identifiers")
			}
			p.SubscriptionIDs = append(p.SubscriptionIDs, d.prop.number)
		default:
			forward.add(d)
		}
	}
	p.Forward = forward.properties()
}

// Append implements Packet.
func (p *Publish) Append(dst []byte, v Version) []byte {
	remaining, properties := p.lengths(v)
	dst = append(dst, p.first())
	dst = appendVarint(dst, remaining)
	dst = appendBlock(dst, p.Topic)
	if p.QoS > 0 {
		dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	}
	if v == V5 {
		dst = appendVarint(dst, properties)
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

// Size returns the bytes that Append appends.
func (p *Publish) Size(v Version) int {
	remaining, _ := p.lengths(v)
	return 1 + varintSize(remaining) + int(remaining)
}

// lengths returns the remaining length and the property length.
func (p *Publish) lengths(v Version) (remaining, properties uint32) {
	n := 2 + min(len(p.Topic), math.MaxUint16) + len(p.Payload)
	if p.QoS > 0 {
		n += 2
	}
	if v == V5 {
		properties = uint32(p.propertiesSize())
		n += varintSize(properties) + int(properties)
	}
	return uint32(n), properties
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
