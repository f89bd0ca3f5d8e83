package mqtt

import "encoding/binary"

// Ack is what PUBACK, PUBREC, PUBREL and PUBCOMP look like. MQTT 3 knows the packet identifier only.
type Ack struct {
	PacketID       uint16
	Code           ReasonCode
	ReasonString   string
	UserProperties UserProperties
}

// ack reads one of the four. In MQTT 5 the property length may be left out, and the code too where it is Success
// (section 3.4.2.1).
func (d *decoder) ack() *Ack {
	p := &Ack{PacketID: d.packetID()}
	if d.version == V5 && len(d.rest) > 0 {
		p.Code = d.reason()
		if len(d.rest) > 0 {
			p.ReasonString, p.UserProperties = d.explanation()
		}
	}
	return p
}

// explanation reads the properties of a packet that has a reason string and user properties only.
func (d *decoder) explanation() (reason string, all UserProperties) {
	var user run
	d.properties(in(d.packet))
	for d.next() {
		switch d.prop.id {
		case propReasonString:
			reason = string(d.prop.data)
		case propUserProperty:
			user.add(d)
		}
	}
	return reason, user.properties()
}

func (p *Ack) append(dst []byte, t Type, v Version) []byte {
	dst = begin(dst, t)
	if v != V5 || p.short() {
		dst = append(dst, 2)
		return binary.BigEndian.AppendUint16(dst, p.PacketID)
	}
	body := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	dst = append(dst, byte(p.Code))
	if p.explained() {
		dst = appendExplanation(dst, p.ReasonString, p.UserProperties)
	}
	return finish(dst, body)
}

func (p *Ack) explained() bool { return p.ReasonString != "" || len(p.UserProperties) > 0 }

// short reports whether the packet identifier says it all.
func (p *Ack) short() bool { return p.Code == Success && !p.explained() }

func appendExplanation(dst []byte, reason string, user UserProperties) []byte {
	start := len(dst)
	dst = appendOptional(dst, propReasonString, reason)
	dst = append(dst, user...)
	return finish(dst, start)
}
