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

// Command is what one transaction asks of the machine: a pointer to one of this file's structs. In the stream it
// stands behind a Header.
//
// A command names its connection by the number that the submitting node gave it. If that connection has been
// superseded or has ended, the command is Stale.
type Command interface {
	// Append appends the command's encoding, its kind first.
	Append(dst []byte) []byte
	// connection returns the connection that the command names, 0 if none.
	connection() uint64
}

// Never is the session expiry interval of a session that does not expire (MQTT 5, section 3.1.2.11.2).
const Never = 1<<32 - 1

// Connect announces an accepted CONNECT. A connection with the same client id, on whatever node, is superseded by
// it [MQTT-3.1.4-3].
//
// The session is lasting if Expiry is above 0, or if Clean is not set and the state holds a session of that client
// id that goes on: one whose own expiry is above 0. Any other session is local. MQTT 3's clean session is Clean with
// Expiry 0, and its opposite has the longest expiry that the broker grants.
//
// A client that was let in before its CONNECT was ordered has been told that no session was present: its Connect
// is Clean, with Expiry 0.
type Connect struct {
	Connection uint64   // the connection's number on the submitting node, never used before in its incarnation
	ClientID   string   // never empty: the broker has assigned one if the client left it out
	Clean      bool     // what is stored under the client id ends [MQTT-3.1.2-4]
	Expiry     uint32   // session expiry interval in seconds, as granted
	Will       *Message // nil without a will; its expiry counts from its publication
	WillDelay  uint32   // seconds from the end of the connection; 0 without a will
}

// End announces that a connection is over. Of a connection that was superseded meanwhile it is Stale: its will
// has gone, or been given up, already.
//
// The will goes at once, or after its delay if the session lasts longer than that, or with the session's end.
type End struct {
	Connection  uint64
	PublishWill bool   // false after a DISCONNECT with reason code 0x00 [MQTT-3.14.4-3]
	HasExpiry   bool   // DISCONNECT brought a new session expiry interval
	Expiry      uint32 // that interval in seconds, as granted; only with HasExpiry. A local session stays local
	HasUnsent   bool   // the node says what the connection has sent of a lasting session
	Unsent      uint64 // it has sent no delivery from this number on; only with HasUnsent
}

// Publish is a client's PUBLISH. With Message.Retain it sets the topic's retained message, or clears it if the
// payload is empty [MQTT-3.3.1-5] [MQTT-3.3.1-6].
type Publish struct {
	Connection uint64
	// PacketID is the packet identifier of a PUBLISH at QoS 2 in a lasting session, and 0 in any other. A second
	// one before its Release is Repeated: it is acknowledged like the first, and does nothing else. A local session's
	// node sees to that itself.
	PacketID uint16
	Message  Message
}

// Release is a PUBREL in a lasting session: the packet identifier may stand for another message. It is Unknown if no
// Publish had taken it; PUBCOMP goes out in either case.
type Release struct {
	Connection uint64
	PacketID   uint16
}

// Subscribe makes or replaces subscriptions. For a local session all of them must be shared; its others are its
// node's affair. The Subscribed effect says what became of each, and is followed by a Send for each retained message
// that the client is to get.
type Subscribe struct {
	Connection    uint64
	ID            uint32         // subscription identifier of them all; 0: none
	Subscriptions []Subscription // at least one
}

// Subscription is a topic filter, $share/group/filter if shared, and how what matches it is to be sent.
type Subscription struct {
	Filter            string
	QoS               byte // at most this
	NoLocal           bool // never with a shared one [MQTT-3.8.3-4]
	RetainAsPublished bool
	RetainHandling    byte // 0: send retained messages; 1: only if the subscription is new; 2: do not
}

// Unsubscribe takes subscriptions away. The Unsubscribed effect says what became of each.
type Unsubscribe struct {
	Connection uint64
	Filters    []string // at least one
}

// Ack says how far the sending of numbered Deliveries has come: those of a lasting session, and those of a shared
// subscription. Both lists ascend. Numbers that are not in flight are passed over.
type Ack struct {
	Connection uint64
	// Received are those at QoS 2 for which PUBREC came. PUBREL goes out when this is applied: from then on the
	// message is never sent as a PUBLISH again.
	Received []uint64
	// Done are those that need nothing more: acknowledged by PUBACK or PUBCOMP, refused by the client with a reason
	// code of 0x80 or above, or never sent because they expired or are too large for the client.
	Done []uint64
}

// Ban keeps a client out of the whole cluster, for an operator. It comes in the name of no connection. An older ban of
// the target is replaced.
type Ban struct {
	Target  BanTarget
	Seconds uint32 // for how long, from its consensus time; 0: for good
	Reason  string // for whoever looks; at most MaxBanReason bytes, see CheckBanReason
}

// Unban lifts the ban of a target before its time. It is Unknown if there is none.
type Unban struct {
	Target BanTarget
}

// Suspect says that the submitter takes another member's present boot to be over, or with Withdraw that it no longer
// does. The suspicion lapses with the member's next transaction, with its next boot, and when the submitter itself boots
// or is declared dead. While a supermajority suspects a member, which are others than itself, it is declared dead: its
// connections end as with its next boot. What it submits later is as good as anybody's, but for those connections.
//
// It is Stale for another boot than the newest known. A member without connections is not suspected, nor a suspicion
// withdrawn that there is not: that is Unknown.
type Suspect struct {
	Member      int
	Incarnation uint64 // of the boot
	Withdraw    bool
}

// Tick does nothing, but has a consensus time. A node submits it when something that waits for a time is due and
// nothing else moves the consensus time on; see Machine.Deadline.
type Tick struct{}

func (c *Connect) connection() uint64     { return c.Connection }
func (e *End) connection() uint64         { return e.Connection }
func (p *Publish) connection() uint64     { return p.Connection }
func (r *Release) connection() uint64     { return r.Connection }
func (s *Subscribe) connection() uint64   { return s.Connection }
func (u *Unsubscribe) connection() uint64 { return u.Connection }
func (a *Ack) connection() uint64         { return a.Connection }
func (*Ban) connection() uint64           { return 0 }
func (*Unban) connection() uint64         { return 0 }
func (*Suspect) connection() uint64       { return 0 }
func (*Tick) connection() uint64          { return 0 }

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

// MaxAcks bounds each list of an Ack. There are no more packet identifiers.
const MaxAcks = 65_535
