package replica

// Kind says what an Effect is.
type Kind uint8

// The kinds of effects.
const (
	// Deliver: Message is to be delivered to every matching subscriber, in the order of the effects.
	Deliver Kind = iota + 1
	// Connected: Conn is now the connection of ClientID; its CONNACK may go out.
	Connected
	// Superseded: Conn has lost its client id to a newer connection; the node that holds it closes it with 0x8E
	// [MQTT-3.1.4-3]. What it still submitted has no effect.
	Superseded
	// Ended: Conn is no longer known; what it still submitted has no effect. The node that holds it, if it
	// still does, closes it.
	Ended
)

// Effect is one consequence of a transaction, the same on every node. The effects of one transaction stand in
// this order: for each connection that it ends Superseded or Ended and then the Deliver of its will, if that
// goes; and last what the transaction itself asked for.
type Effect struct {
	Kind     Kind
	Conn     Conn     // the connection concerned: for Deliver the publisher's, so that No Local can be honoured
	ClientID string   // of Conn
	Message  *Message // for Deliver
}

// Outcome is what became of a transaction.
type Outcome uint8

// The outcomes.
const (
	// Applied: the transaction took effect.
	Applied Outcome = iota + 1
	// Stale: its connection had been superseded or had ended; no effect, on any node.
	Stale
	// Full: it would have broken one of Limits: a retained message more than fit, or a connection more; no
	// effect, on any node. The client may be answered 0x97.
	Full
	// Invalid: its number was the node's next, but the command does not decode or makes no sense; no effect, on
	// any node, but for what a higher incarnation ended. A correct node submits none.
	Invalid
	// Ignored: its number was not the node's next; no effect, on any node. The node's counter stays where it
	// was: if the transaction is to take effect, the node submits it again.
	Ignored
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
