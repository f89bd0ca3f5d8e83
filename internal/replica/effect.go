package replica

import "github.com/foxmq/foxmq/internal/mqtt"

// Kind says what an Effect is.
type Kind uint8

// The kinds of effects.
const (
	// Deliver: Message is to be delivered to every matching subscription of a local session that is not shared, in
	// the order of the effects.
	Deliver Kind = iota + 1
	// Connected: Conn is now the connection of ClientID; its CONNACK may go out. Session tells what a lasting session
	// brings with it, and is nil for a local one.
	Connected
	// Superseded: Conn has lost its client id to a newer connection; the node that holds it closes it with 0x8E
	// [MQTT-3.1.4-3]. What it still submitted has no effect.
	Superseded
	// Ended: Conn is no longer known; what it still submitted has no effect. The node that holds it, if it
	// still does, closes it.
	Ended
	// Send: Delivery is to be sent on Conn, in the order of the effects: its client has a lasting session, or was
	// chosen from a shared subscription.
	Send
	// Overflow: a message at QoS 1 or 2 was refused because too much waits to be sent on Conn. The node that holds it
	// closes it with 0x97, so that no reader sees a silent gap.
	Overflow
	// Subscribed: Codes says what became of each subscription of Conn's Subscribe.
	Subscribed
	// Unsubscribed: Codes says what became of each filter of Conn's Unsubscribe.
	Unsubscribed
	// Banned: Ban holds from now on. Whoever it is about is closed with 0x98, and not let in.
	Banned
	// Unbanned: Ban, whose time has come or which was lifted, holds no more.
	Unbanned
)

// Effect is one consequence of a transaction, the same on every node. The effects of one transaction stand in
// this order: what had come due by its consensus time; then what follows from the submitting node's new boot; and
// last what the transaction itself asked for. Those that come first may come with any outcome.
//
// A connection that ends is Superseded or Ended first; then its will is delivered, if that goes. A Deliver is
// followed by the Sends of the same message.
type Effect struct {
	Kind     Kind
	Conn     Conn              // the connection concerned: for Deliver the publisher's, which may have ended
	ClientID string            // of Conn; for Deliver, so that No Local can be honoured
	Message  *Message          // for Deliver
	Delivery *Delivery         // for Send
	Session  *Session          // for Connected
	Codes    []mqtt.ReasonCode // for Subscribed and Unsubscribed, one each in the command's order
	Ban      *BanEntry         // for Banned and Unbanned, which concern no connection
}

// Delivery is a message on its way to one client. It is immutable.
type Delivery struct {
	Message *Message
	// Number is the delivery number, which counts from 0 in each session the deliveries at QoS 1 and 2. In a lasting
	// session the packet identifier is 1 + Number mod 65,535, so that it is the same whichever node sends. Means
	// nothing at QoS 0.
	Number uint64
	Time   int64    // consensus time, ns, from which the message's expiry counts
	IDs    []uint32 // subscription identifiers, ascending
	QoS    byte     // to send it with
	Retain bool     // the RETAIN flag to send it with
}

// Session is what a lasting session brings with it when its client connects. It is immutable.
type Session struct {
	Epoch   uint64 // index of the CONNECT that created the session; names it together with the client id
	Present bool   // the session was there before: the session present flag
	Next    uint64 // the number of the session's next delivery
	// Offered is the number from which on no connection has had the deliveries yet.
	Offered uint64
	// Unfinished are the numbered deliveries that are not done, oldest first. Any of them below Offered may have been
	// sent: they are sent again with DUP [MQTT-4.4.0-1].
	Unfinished []Unfinished
	// Unreleased are the packet identifiers of the client's QoS 2 publishes that wait for PUBREL, ascending.
	Unreleased []uint16
}

// Unfinished is a delivery that is not done.
type Unfinished struct {
	*Delivery
	Received bool // PUBREC came: PUBREL is due, not PUBLISH
}

// Outcome is what became of a transaction.
type Outcome uint8

// The outcomes.
const (
	// Applied: the transaction took effect.
	Applied Outcome = iota + 1
	// Stale: its connection had been superseded or had ended, or the boot that it suspects; no effect, on any node.
	Stale
	// Full: it would have broken one of Limits: a retained message more than fit, a connection more, or a lasting
	// session, or a ban; no effect, on any node. The client may be answered 0x97.
	Full
	// Invalid: its number was the node's next, but the command does not decode or makes no sense; no effect, on
	// any node, but for what a higher incarnation ended. A correct node submits none.
	Invalid
	// Ignored: its number was not the node's next; no effect, on any node. The node's counter stays where it
	// was: if the transaction is to take effect, the node submits it again.
	Ignored
	// Repeated: a Publish whose packet identifier waits for its Release; no effect, on any node. It is acknowledged
	// like an applied one.
	Repeated
	// Unknown: a Release of a packet identifier that waited for none, an Unban where no ban is, or a Suspect of nobody
	// or nothing; no effect, on any node. The answer to PUBREL is PUBCOMP with 0x92.
	Unknown
)

// Token lets a node recognise its own transaction when it comes back applied. It never leaves the node.
type Token struct {
	Owner    any    // the submitter's own mark, a pointer
	PacketID uint16 // the packet to acknowledge, if any
	Kind     uint8  // the submitter's own mark
}

// Result is one transaction's passage through the machine. Results reach the broker in stream order.
type Result struct {
	Index   uint64 // place in the stream, from 1
	Time    int64  // consensus time, ns since 1970
	Node    int    // the member that submitted it
	Header  Header // zero if it did not decode
	Outcome Outcome
	Effects []Effect
	// Own says that the transaction was submitted on this node in this boot, with Token. Own results come in
	// submission order, each once, and never with the outcome Ignored. The machine leaves both zero; the node
	// package sets them.
	Own   bool
	Token Token
}
