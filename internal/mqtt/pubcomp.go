package mqtt

// Pubcomp answers a PUBREL: the packet identifier is free again.
type Pubcomp Ack

// Type implements Packet.
func (*Pubcomp) Type() Type { return TypePubcomp }

// Append implements Packet.
func (p *Pubcomp) Append(dst []byte, v Version) []byte { return (*Ack)(p).append(dst, TypePubcomp, v) }
