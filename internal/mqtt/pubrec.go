package mqtt

// Pubrec acknowledges a PUBLISH at QoS 2: the message has been received.
type Pubrec Ack

// Type implements Packet.
func (*Pubrec) Type() Type { return TypePubrec }

// Append implements Packet.
func (p *Pubrec) Append(dst []byte, v Version) []byte { return (*Ack)(p).append(dst, TypePubrec, v) }
