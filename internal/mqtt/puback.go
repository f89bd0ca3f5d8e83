package mqtt

// Puback acknowledges a PUBLISH at QoS 1.
type Puback Ack

// Type implements Packet.
func (*Puback) Type() Type { return TypePuback }

// Append implements Packet.
func (p *Puback) Append(dst []byte, v Version) []byte { return (*Ack)(p).append(dst, TypePuback, v) }
