package replica

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

// Command is what one transaction asks of the machine. In the stream a transaction is a header, the uvarints
// incarnation and number (semantics.md, "The stream"), and the command's encoding behind it.
type Command interface {
	// Append appends the command's encoding, its kind first.
	Append(dst []byte) []byte
}

// Connect announces an accepted CONNECT. Connection is the connection's number on the submitting node.
type Connect struct {
	Connection uint64
	ClientID   string
	Will       *Message // nil without a will; its expiry counts from its publication
}

// End announces that a connection is over. PublishWill tells whether its will goes.
type End struct {
	Connection  uint64
	PublishWill bool
}

// Publish is a client's PUBLISH.
type Publish struct {
	Connection uint64
	Message    Message
}
