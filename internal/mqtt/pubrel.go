package mqtt

// Pubrel answers a PUBREC: the sender will not send the message again.
type Pubrel Ack

// Type implements Packet.
func (*Pubrel) Type() Type { return TypePubrel }

// Append implements Packet.
func (p *Pubrel) Append(dst []byte, v Version) []byte { return (*Ack)(p).append(dst, TypePubrel, v) }
