package mqtt

import "encoding/binary"

// Unsuback answers an UNSUBSCRIBE. MQTT 3 knows the packet identifier only.
type Unsuback struct {
	PacketID       uint16
	Codes          []ReasonCode // one for each topic filter, in their order [MQTT-3.11.3-1]
	ReasonString   string
	UserProperties UserProperties
}

// Type implements Packet.
func (*Unsuback) Type() Type { return TypeUnsuback }

func (d *decoder) unsuback() *Unsuback {
	p := &Unsuback{PacketID: d.packetID()}
	if d.version == V5 {
		p.ReasonString, p.UserProperties = d.explanation()
		p.Codes = d.reasons()
	}
	return p
}

// Append implements Packet.
func (p *Unsuback) Append(dst []byte, v Version) []byte {
	dst = begin(dst, TypeUnsuback)
	body := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	if v == V5 {
		dst = appendExplanation(dst, p.ReasonString, p.UserProperties)
		for _, c := range p.Codes {
			dst = append(dst, byte(c))
		}
	}
	return finish(dst, body)
}
