package mqtt

import "encoding/binary"

// Suback answers a SUBSCRIBE.
type Suback struct {
	PacketID       uint16
	Codes          []ReasonCode // one for each topic filter, in their order [MQTT-3.8.4-6]
	ReasonString   string
	UserProperties UserProperties
}

// Type implements Packet.
func (*Suback) Type() Type { return TypeSuback }

func (d *decoder) suback() *Suback {
	p := &Suback{PacketID: d.packetID()}
	p.ReasonString, p.UserProperties = d.explanation()
	p.Codes = d.reasons()
	for _, c := range p.Codes {
		if d.version != V5 && c.Failed() && c != UnspecifiedError { // [MQTT-3.9.3-2 of 3.1.1]
			d.malformed("unknown return code")
		}
	}
	return p
}

// reasons reads all the rest as reason codes, at least one.
func (d *decoder) reasons() []ReasonCode {
	if len(d.rest) == 0 {
		d.malformed("no reason code")
		return nil
	}
	codes := make([]ReasonCode, 0, len(d.rest))
	for len(d.rest) > 0 {
		codes = append(codes, d.reason())
	}
	return codes
}

// Append implements Packet. MQTT 3 has one code for all failures.
func (p *Suback) Append(dst []byte, v Version) []byte {
	dst = begin(dst, TypeSuback)
	body := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	if v == V5 {
		dst = appendExplanation(dst, p.ReasonString, p.UserProperties)
	}
	for _, c := range p.Codes {
		if v != V5 && c.Failed() {
			c = UnspecifiedError
		}
		dst = append(dst, byte(c))
	}
	return finish(dst, body)
}
