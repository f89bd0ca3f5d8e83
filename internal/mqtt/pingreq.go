package mqtt

// Pingreq asks the server for a sign of life, and is one.
type Pingreq struct{}

// Type implements Packet.
func (*Pingreq) Type() Type { return TypePingreq }

// Append implements Packet.
func (*Pingreq) Append(dst []byte, _ Version) []byte { return append(begin(dst, TypePingreq), 0) }
