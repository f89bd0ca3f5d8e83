package replica

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendDigest appends what came of the transaction, in a form that is equal on two nodes iff the outcome and the effects
// are: messages by a checksum, which is to find a fault and not an attack. It is short, and allocates nothing if dst has
// room.
func (r *Result) AppendDigest(dst []byte) []byte {
	d := digest{buffer: append(dst, byte(r.Outcome))}
	d.numbers(uint64(len(r.Effects)))
	for i := range r.Effects {
		d.effect(&r.Effects[i])
	}
	return d.buffer
}

// digest gathers fields. Each says by itself where it ends, and each list how long it is.
type digest struct {
	buffer []byte
	last   *Message // the effects of a transaction are mostly about one
	sum    uint32   // its checksum
}

func (d *digest) numbers(fields ...uint64) { d.buffer = appendNumbers(d.buffer, fields...) }

func (d *digest) effect(e *Effect) {
	d.buffer = append(d.buffer, byte(e.Kind))
	d.numbers(uint64(e.Conn.Node), e.Conn.Incarnation, e.Conn.Number)
	switch e.Kind {
	case Deliver:
		d.message(e.Message)
	case Send:
		d.delivery(e.Delivery, false)
	case Connected:
		d.session(e.Session)
	case Banned, Unbanned:
		d.ban(e.Ban)
	case Subscribed, Unsubscribed:
		d.numbers(uint64(len(e.Codes)))
		for _, code := range e.Codes {
			d.buffer = append(d.buffer, byte(code))
		}
	}
}

func (d *digest) delivery(v *Delivery, received bool) {
	const flagReceived, flagRetain = 1 << 2, 1 << 3 // the two lowest bits are the QoS
	d.buffer = append(d.buffer, v.QoS|bit(received, flagReceived)|bit(v.Retain, flagRetain))
	d.numbers(v.Number, uint64(v.Time), uint64(len(v.IDs)))
	for _, id := range v.IDs {
		d.numbers(uint64(id))
	}
	d.message(v.Message)
}

// session adds what a lasting session brings with it; nil is none.
func (d *digest) session(s *Session) {
	d.buffer = append(d.buffer, bit(s != nil, 1))
	if s == nil {
		return
	}
	d.buffer = append(d.buffer, bit(s.Present, 1))
	d.numbers(s.Epoch, s.Next, s.Offered, uint64(len(s.Unfinished)))
	for _, u := range s.Unfinished {
		d.delivery(u.Delivery, u.Received)
	}
	d.numbers(uint64(len(s.Unreleased)))
	for _, id := range s.Unreleased {
		d.numbers(uint64(id))
	}
}

// ban adds a checksum of all of the ban.
func (d *digest) ban(b *BanEntry) {
	start := len(d.buffer)
	d.numbers(b.Index, uint64(b.Node), uint64(b.Until))
	d.buffer = appendString(b.appendTarget(d.buffer), b.Reason)
	sum := crc32.Update(0, castagnoli, d.buffer[start:])
	d.buffer = binary.BigEndian.AppendUint32(d.buffer[:start], sum)
}

// message adds a checksum of all of the message.
func (d *digest) message(m *Message) {
	if m != d.last {
		start := len(d.buffer)
		d.buffer = append(d.buffer, m.QoS|bit(m.Retain, flagRetain)|bit(m.HasExpiry, flagExpiry))
		d.buffer = appendString(d.buffer, m.Topic)
		d.numbers(uint64(m.Expiry), uint64(len(m.Properties)))
		d.sum = crc32.Update(0, castagnoli, d.buffer[start:])
		d.sum = crc32.Update(d.sum, castagnoli, m.Properties)
		d.sum = crc32.Update(d.sum, castagnoli, m.Payload)
		d.buffer, d.last = d.buffer[:start], m
	}
	d.buffer = binary.BigEndian.AppendUint32(d.buffer, d.sum)
}
