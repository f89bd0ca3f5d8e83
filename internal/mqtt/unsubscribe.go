package mqtt

import "encoding/binary"

// Unsubscribe ends subscriptions, at least one.
type Unsubscribe struct {
	PacketID       uint16
	Filters        []string // as they came: whether they are topic filters is not checked
	UserProperties UserProperties
}

// Type implements Packet.
func (*Unsubscribe) Type() Type { return TypeUnsubscribe }

func (d *decoder) unsubscribe() *Unsubscribe {
	p := &Unsubscribe{PacketID: d.packetID()}
	_, p.UserProperties = d.explanation()
	if len(d.rest) == 0 { // [MQTT-3.10.3-2]
		d.fail(ProtocolError, "no topic filter")
	}
	for len(d.rest) > 0 {
		d.checkFilters(len(p.Filters))
		p.Filters = append(p.Filters, d.string())
	}
	return p
}

// Append implements Packet.
func (p *Unsubscribe) Append(dst []byte, v Version) []byte {
	dst = begin(dst, TypeUnsubscribe)
	body := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	if v == V5 {
		dst = appendExplanation(dst, "", p.UserProperties)
	}
	for _, filter := range p.Filters {
		dst = appendBlock(dst, filter)
	}
	return finish(dst, body)
}
