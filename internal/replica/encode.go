package replica

import "encoding/binary"

// The kinds of commands, the first byte of their encodings.
const (
	kindPublish = iota + 1
	kindConnect
	kindEnd
	kindRelease
	kindSubscribe
	kindUnsubscribe
	kindAck
	kindTick
	kindPublishOnce // a Publish with a packet identifier
	kindBan
	kindUnban
	kindSuspect
)

// The flags of a message's encoding. Its two lowest bits are the QoS.
const (
	flagRetain = 1 << (iota + 2)
	flagExpiry
	flagProperties
	flagsEnd
)

// The flags of a Connect's encoding.
const (
	connectClean = 1 << iota
	connectWill
	connectEnd
)

// The flags of an End's encoding.
const (
	endPublishWill = 1 << iota
	endHasExpiry
	endHasUnsent
	endEnd
)

// The flags of a Suspect's encoding.
const (
	suspectWithdraw = 1 << iota
	suspectEnd
)

// The options of a subscription's encoding. The two lowest bits are the QoS, the two highest the retain handling.
const (
	optionNoLocal = 1 << (iota + 2)
	optionRetainAsPublished
	optionRetainHandling
	optionsEnd = optionRetainHandling << 2
)

// Append appends the header's encoding.
func (h Header) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, h.Incarnation)
	return binary.AppendUvarint(dst, h.Number)
}

// Append implements Command.
func (p *Publish) Append(dst []byte) []byte {
	if p.PacketID == 0 {
		return p.Message.append(appendHead(dst, kindPublish, p.Connection))
	}
	dst = appendHead(dst, kindPublishOnce, p.Connection)
	dst = binary.AppendUvarint(dst, uint64(p.PacketID))
	return p.Message.append(dst)
}

// Append implements Command.
func (c *Connect) Append(dst []byte) []byte {
	dst = appendHead(dst, kindConnect, c.Connection)
	dst = append(dst, bit(c.Clean, connectClean)|bit(c.Will != nil, connectWill))
	dst = appendString(dst, c.ClientID)
	dst = binary.AppendUvarint(dst, uint64(c.Expiry))
	if c.Will == nil {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(c.WillDelay))
	return c.Will.append(dst)
}

// Append implements Command.
func (e *End) Append(dst []byte) []byte {
	dst = appendHead(dst, kindEnd, e.Connection)
	flags := bit(e.PublishWill, endPublishWill) | bit(e.HasExpiry, endHasExpiry) | bit(e.HasUnsent, endHasUnsent)
	dst = append(dst, flags)
	if e.HasExpiry {
		dst = binary.AppendUvarint(dst, uint64(e.Expiry))
	}
	if e.HasUnsent {
		dst = binary.AppendUvarint(dst, e.Unsent)
	}
	return dst
}

// Append implements Command.
func (r *Release) Append(dst []byte) []byte {
	dst = appendHead(dst, kindRelease, r.Connection)
	return binary.AppendUvarint(dst, uint64(r.PacketID))
}

// Append implements Command.
func (s *Subscribe) Append(dst []byte) []byte {
	dst = appendHead(dst, kindSubscribe, s.Connection)
	dst = binary.AppendUvarint(dst, uint64(s.ID))
	for i := range s.Subscriptions {
		dst = s.Subscriptions[i].append(dst)
	}
	return dst
}

func (s *Subscription) append(dst []byte) []byte {
	dst = appendString(dst, s.Filter)
	return append(dst, s.QoS|s.RetainHandling*optionRetainHandling|
		bit(s.NoLocal, optionNoLocal)|bit(s.RetainAsPublished, optionRetainAsPublished))
}

// Append implements Command.
func (u *Unsubscribe) Append(dst []byte) []byte {
	dst = appendHead(dst, kindUnsubscribe, u.Connection)
	for _, filter := range u.Filters {
		dst = appendString(dst, filter)
	}
	return dst
}

// Append implements Command.
func (a *Ack) Append(dst []byte) []byte {
	dst = appendHead(dst, kindAck, a.Connection)
	return appendAscending(appendAscending(dst, a.Received), a.Done)
}

// appendAscending appends a list that ascends: its length, and by how much each number is greater than the least that
// it could be.
func appendAscending(dst []byte, list []uint64) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	least := uint64(0)
	for _, n := range list {
		dst = binary.AppendUvarint(dst, n-least)
		least = n + 1
	}
	return dst
}

// Append implements Command.
func (b *Ban) Append(dst []byte) []byte {
	dst = b.Target.appendTarget(append(dst, kindBan))
	dst = binary.AppendUvarint(dst, uint64(b.Seconds))
	return appendString(dst, b.Reason)
}

// Append implements Command.
func (u *Unban) Append(dst []byte) []byte { return u.Target.appendTarget(append(dst, kindUnban)) }

func (t *BanTarget) appendTarget(dst []byte) []byte {
	return appendString(append(dst, byte(t.Kind)), t.Value)
}

// Append implements Command.
func (s *Suspect) Append(dst []byte) []byte {
	dst = append(dst, kindSuspect, bit(s.Withdraw, suspectWithdraw))
	return appendNumbers(dst, uint64(s.Member), s.Incarnation)
}

// Append implements Command.
func (*Tick) Append(dst []byte) []byte { return append(dst, kindTick) }

// append appends the message's encoding. The payload comes last and has no length: it goes on to the end of the
// command.
func (m *Message) append(dst []byte) []byte {
	flags := m.QoS | bit(m.Retain, flagRetain) | bit(m.HasExpiry, flagExpiry) |
		bit(len(m.Properties) > 0, flagProperties)
	dst = append(dst, flags)
	dst = appendString(dst, m.Topic)
	if m.HasExpiry {
		dst = binary.AppendUvarint(dst, uint64(m.Expiry))
	}
	if len(m.Properties) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(m.Properties)))
		dst = append(dst, m.Properties...)
	}
	return append(dst, m.Payload...)
}

func appendHead(dst []byte, kind byte, connection uint64) []byte {
	return binary.AppendUvarint(append(dst, kind), connection)
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func bit(set bool, flag byte) byte {
	if set {
		return flag
	}
	return 0
}
