package mqtt

import "encoding/binary"

// Frame is a PUBLISH in wire form for many receivers that share everything but a Stamp: it is encoded once and
// copied for each. A receiver with a topic alias or with subscription identifiers of its own needs a Publish of its
// own.
//
// A Frame is immutable.
type Frame struct {
	wire     []byte
	packetID int // where the packet identifier is in wire; 0: QoS 0
	expiry   int // where the expiry is in wire; 0: none
}

// Stamp is what differs from one receiver of a Frame to the next.
type Stamp struct {
	QoS      byte   // at least 1 if the frame was made for QoS 1 and 2, else 0
	Dup      bool   // only at QoS 1 and 2
	Retain   bool   //
	PacketID uint16 // only at QoS 1 and 2
	Expiry   uint32 // seconds that the message has left; of no effect if it does not expire
}

// NewFrame encodes p as version v has it. A frame of a p with QoS 1 or 2 serves both.
func NewFrame(p *Publish, v Version) Frame {
	l := p.layout(v)
	wire := p.Append(make([]byte, 0, p.Size(v)), v)
	f := Frame{wire: wire}
	at := 1 + varintSize(l.remaining)
	at += 2 + int(binary.BigEndian.Uint16(wire[at:]))
	if p.QoS > 0 {
		f.packetID = at
		at += 2
	}
	if v == V5 && p.HasExpiry {
		f.expiry = at + varintSize(l.properties) + 1
	}
	return f
}

// Size returns the bytes that Append appends.
func (f *Frame) Size() int { return len(f.wire) }

// Append appends the packet with the stamp on it.
func (f *Frame) Append(dst []byte, s Stamp) []byte {
	start := len(dst)
	dst = append(dst, f.wire...)
	wire := dst[start:]
	wire[0] = (&Publish{QoS: s.QoS, Dup: s.Dup, Retain: s.Retain}).first()
	if f.packetID > 0 {
		binary.BigEndian.PutUint16(wire[f.packetID:], s.PacketID)
	}
	if f.expiry > 0 {
		binary.BigEndian.PutUint32(wire[f.expiry:], s.Expiry)
	}
	return dst
}
