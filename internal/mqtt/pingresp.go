package mqtt

// Pingresp answers a PINGREQ.
type Pingresp struct{}

// Type implements Packet.
func (*Pingresp) Type() Type { return TypePingresp }

// Append implements Packet.
func (*Pingresp) Append(dst []byte, _ Version) []byte { return append(begin(dst, TypePingresp), 0) }
