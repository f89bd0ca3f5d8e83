package mqtt

// Error is a violation of the protocol, or another reason to refuse a packet or a connection, with the reason code
// that says so on the wire.
type Error struct {
	Code ReasonCode
	// Packet is the type of the packet at fault, or 0.
	Packet Type
	// Version is the version in which the sender of a refused CONNECT can be answered; 0 if no answer would be
	// understood. It is 0 for other packets.
	Version Version
	// Detail says what is wrong, for people. It holds nothing that the other side sent.
	Detail string
}

// Error returns, say, "connect: malformed packet: reserved flag".
func (e *Error) Error() string {
	s := e.Code.String()
	if e.Packet != 0 {
		s = e.Packet.String() + ": " + s
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}
