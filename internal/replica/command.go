package replica

import "encoding/binary"

// Conn names one client connection in the whole cluster, for ever: connection Number of the boot of Node whose
// first event had sequence number Incarnation. Numbers start at 1; 0 names no connection.
type Conn struct {
	Node        int
	Incarnation uint64
	Number      uint64
}

// Message is an application message as it travels in the stream and as it is retained. It is immutable.
type Message struct {
	Topic   string
	Payload []byte
	// Properties are the properties that are forwarded unaltered, in MQTT 5 wire form without a length, in the
	// publisher's order: payload format, content type, response topic, correlation data, user properties.
	Properties []byte
	// Expiry is the message expiry interval in seconds; it counts from the message's consensus time, and holds
	// only if HasExpiry.
	Expiry    uint32
	HasExpiry bool
	QoS       byte
	Retain    bool
}

// Command is what one transaction asks of the machine: a *Publish, a *Connect or an *End. In the stream it
// stands behind a Header.
type Command interface {
	// Append appends the command's encoding, its kind first.
	Append(dst []byte) []byte
}

// Connect announces an accepted CONNECT. A connection with the same client id, on whatever node, is superseded
// by it, and that connection's will goes [MQTT-3.1.4-3].
type Connect struct {
	Connection uint64   // the connection's number on the submitting node, never used before in its incarnation
	ClientID   string   // never empty: the broker has assigned one if the client left it out
	Will       *Message // nil without a will; its expiry counts from its publication
}

// End announces that a connection is over. Of a connection that was superseded meanwhile it is Stale: its will
// has gone already.
type End struct {
	Connection  uint64
	PublishWill bool // false after a DISCONNECT with reason code 0x00 [MQTT-3.14.4-3]
}

// Publish is a client's PUBLISH. With Message.Retain it sets the topic's retained message, or clears it if the
// payload is empty [MQTT-3.3.1-5] [MQTT-3.3.1-6].
type Publish struct {
	Connection uint64
	Message    Message
}

// Header stands before every command in the stream. The numbers make a transaction take effect once, and a
// node's transactions in the order in which it submitted them: the machine takes a node's transaction only if
// it is the next one of its newest incarnation (docs/semantics.md, "The stream").
type Header struct {
	Incarnation uint64 // sequence number of the submitting node's first event after its boot, from 1
	Number      uint64 // counts the transactions of that boot, from 0
}

// MaxHeader bounds a Header's encoding in bytes.
const MaxHeader = 2 * binary.MaxVarintLen64

// MaxCommand bounds a command's encoding in bytes: an MQTT packet of 16 MiB fits, as does a CONNECT with a
// client id and a will of any size that MQTT can express.
const MaxCommand = 16<<20 + 256<<10

// The kinds of commands, the first byte of their encodings.
const (
	kindPublish = iota + 1
	kindConnect
	kindEnd
)

// The flags of a message's encoding. Its two lowest bits are the QoS.
const (
	flagRetain = 1 << (iota + 2)
	flagExpiry
	flagProperties
	flagsEnd
)

// Append appends the header's encoding.
func (h Header) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, h.Incarnation)
	return binary.AppendUvarint(dst, h.Number)
}

// Append implements Command.
func (p *Publish) Append(dst []byte) []byte {
	dst = append(dst, kindPublish)
	dst = binary.AppendUvarint(dst, p.Connection)
	return p.Message.append(dst)
}

// Append implements Command.
func (c *Connect) Append(dst []byte) []byte {
	dst = append(dst, kindConnect)
	dst = binary.AppendUvarint(dst, c.Connection)
	dst = appendString(dst, c.ClientID)
	dst = append(dst, bit(c.Will != nil))
	if c.Will == nil {
		return dst
	}
	return c.Will.append(dst)
}

// Append implements Command.
func (e *End) Append(dst []byte) []byte {
	dst = append(dst, kindEnd)
	dst = binary.AppendUvarint(dst, e.Connection)
	return append(dst, bit(e.PublishWill))
}

// append appends the message's encoding. The payload comes last and has no length: it goes on to the end of the
// command.
func (m *Message) append(dst []byte) []byte {
	flags := m.QoS
	if m.Retain {
		flags |= flagRetain
	}
	if m.HasExpiry {
		flags |= flagExpiry
	}
	if len(m.Properties) > 0 {
		flags |= flagProperties
	}
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

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
