package mqtt

import "encoding/binary"

// Connect asks the server to let a client in. It is the first packet on a connection.
type Connect struct {
	Version    Version
	CleanStart bool   // MQTT 3: clean session
	KeepAlive  uint16 // seconds; 0 turns the mechanism off
	ClientID   string // may be empty
	Will       *Will  // nil: none

	HasUsername bool
	HasPassword bool // MQTT 3: only with a user name
	Username    string
	Password    []byte

	SessionExpiry       uint32 // seconds; 0 ends the session with the connection, 0xFFFFFFFF never
	ReceiveMaximum      uint16 // as decoded never 0: 65,535 stands for none
	TopicAliasMaximum   uint16
	MaximumPacketSize   uint32 // bytes; 0 is no limit
	RequestResponseInfo bool
	NoProblemInfo       bool   // request problem information is 0 [MQTT-3.1.2-29]
	AuthMethod          string // empty: no enhanced authentication
	AuthData            []byte // only with AuthMethod
	UserProperties      UserProperties
}

// Will is the message that the server publishes when the connection is lost.
type Will struct {
	Topic     string
	Payload   []byte
	QoS       byte
	Retain    bool
	HasExpiry bool
	Expiry    uint32 // seconds from the publication of the will; only with HasExpiry
	Delay     uint32 // seconds from the end of the connection
	Forward   []byte // as in Publish
}

// The flags of CONNECT, section 3.1.2.3.
const (
	connectReserved = 1 << iota
	connectCleanStart
	connectWill
	connectWillQoS1
	connectWillQoS2
	connectWillRetain
	connectPassword
	connectUsername

	connectWillQoS = connectWillQoS1 | connectWillQoS2
)

// defaultReceiveMaximum is the receive maximum where none is given.
const defaultReceiveMaximum = 65535

// Type implements Packet.
func (*Connect) Type() Type { return TypeConnect }

// connect reads a CONNECT. From the protocol level on, errors say in which version they can be answered.
func (d *decoder) connect() *Connect {
	p := &Connect{Version: d.protocol()}
	if d.err != nil {
		return p
	}
	d.version = p.Version
	flags := d.byte()
	d.checkConnectFlags(flags)
	p.CleanStart = flags&connectCleanStart != 0
	p.KeepAlive = d.uint16()
	d.connectProperties(p)
	p.ClientID = d.string()
	if flags&connectWill != 0 {
		p.Will = d.will(flags)
	}
	d.credentials(p, flags)
	d.end()
	if d.err != nil {
		d.err.Version = p.Version
	}
	return p
}

// protocol reads the protocol's name and level. With an unknown name the other side does not speak MQTT, and is not
// answered [MQTT-3.1.2-1]; with an unknown level it is [MQTT-3.1.2-2].
func (d *decoder) protocol() Version {
	name, v := string(d.text()), Version(d.byte())
	switch {
	case d.err != nil:
	case name == "MQIsdp" && v == V31, name == "MQTT" && (v == V311 || v == V5):
		return v
	case name != "MQIsdp" && name != "MQTT":
		d.fail(UnsupportedProtocolVersion, "unknown protocol name")
	default:
		d.fail(UnsupportedProtocolVersion, "unknown protocol level")
		d.err.Version = V311
		if v > V5 {
			d.err.Version = V5
		}
	}
	return 0
}

func (d *decoder) checkConnectFlags(flags byte) {
	switch {
	case flags&connectReserved != 0: // [MQTT-3.1.2-3]
		d.malformed("reserved connect flag")
	case flags&connectWillQoS == connectWillQoS: // [MQTT-3.1.2-12]
		d.malformed("will with QoS 3")
	case flags&connectWill == 0 && flags&(connectWillQoS|connectWillRetain) != 0: // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
		d.malformed("will QoS or will retain without a will")
	case d.version != V5 && flags&(connectUsername|connectPassword) == connectPassword: // [MQTT-3.1.2-22 of 3.1.1]
		d.malformed("password without a user name")
	}
}

func (d *decoder) connectProperties(p *Connect) {
	p.ReceiveMaximum = defaultReceiveMaximum
	var user run
	d.properties(in(TypeConnect))
	for d.next() {
		switch d.prop.id {
		case propSessionExpiry:
			p.SessionExpiry = d.prop.number
		case propReceiveMaximum:
			p.ReceiveMaximum = uint16(d.prop.number)
		case propMaximumPacketSize:
			p.MaximumPacketSize = d.prop.number
		case propTopicAliasMaximum:
			p.TopicAliasMaximum = uint16(d.prop.number)
		case propRequestResponseInfo:
			p.RequestResponseInfo = d.prop.number == 1
		case propRequestProblemInfo:
			p.NoProblemInfo = d.prop.number == 0
		case propAuthMethod:
			p.AuthMethod = string(d.prop.data)
		case propAuthData:
			p.AuthData = orNil(d.prop.data)
		case propUserProperty:
			user.add(d)
		}
	}
	p.UserProperties = user.properties()
	if d.has(propAuthData) && !d.has(propAuthMethod) {
		d.fail(ProtocolError, "authentication data without a method")
	}
}

func (d *decoder) will(flags byte) *Will {
	w := &Will{QoS: flags & connectWillQoS / connectWillQoS1, Retain: flags&connectWillRetain != 0}
	var forward run
	d.properties(inWill)
	for d.next() {
		switch d.prop.id {
		case propWillDelay:
			w.Delay = d.prop.number
		case propMessageExpiry:
			w.Expiry, w.HasExpiry = d.prop.number, true
		default:
			forward.add(d)
		}
	}
	w.Forward = forward.properties()
	w.Topic = d.topicName()
	w.Payload = d.binary()
	return w
}

// credentials reads user name and password. In MQTT 3.1 they may be missing in spite of the flags: "the Remaining
// Length field from the fixed header takes precedence".
func (d *decoder) credentials(p *Connect, flags byte) {
	follows := func(flag byte) bool {
		return flags&flag != 0 && (d.version != V31 || len(d.rest) > 0)
	}
	if follows(connectUsername) {
		p.HasUsername, p.Username = true, d.string()
	}
	if follows(connectPassword) {
		p.HasPassword, p.Password = true, d.binary()
	}
}

// Append implements Packet. The version is that of the packet; v is ignored.
func (p *Connect) Append(dst []byte, _ Version) []byte {
	dst = begin(dst, TypeConnect)
	body := len(dst)
	name := "MQTT"
	if p.Version == V31 {
		name = "MQIsdp"
	}
	dst = appendBlock(dst, name)
	dst = append(dst, byte(p.Version), p.flags())
	dst = binary.BigEndian.AppendUint16(dst, p.KeepAlive)
	if p.Version == V5 {
		dst = p.appendProperties(dst)
	}
	dst = appendBlock(dst, p.ClientID)
	if p.Will != nil {
		dst = p.Will.append(dst, p.Version)
	}
	if p.HasUsername {
		dst = appendBlock(dst, p.Username)
	}
	if p.HasPassword {
		dst = appendBlock(dst, p.Password)
	}
	return finish(dst, body)
}

func (p *Connect) flags() (flags byte) {
	if p.CleanStart {
		flags |= connectCleanStart
	}
	if w := p.Will; w != nil {
		flags |= connectWill | w.QoS&3*connectWillQoS1
		if w.Retain {
			flags |= connectWillRetain
		}
	}
	if p.HasUsername {
		flags |= connectUsername
	}
	if p.HasPassword {
		flags |= connectPassword
	}
	return flags
}

func (p *Connect) appendProperties(dst []byte) []byte {
	start := len(dst)
	dst = appendOptional32(dst, propSessionExpiry, p.SessionExpiry)
	dst = appendReceiveMaximum(dst, p.ReceiveMaximum)
	dst = appendOptional32(dst, propMaximumPacketSize, p.MaximumPacketSize)
	dst = appendOptional16(dst, propTopicAliasMaximum, p.TopicAliasMaximum)
	dst = appendUnless(dst, propRequestResponseInfo, p.RequestResponseInfo, false)
	dst = appendUnless(dst, propRequestProblemInfo, !p.NoProblemInfo, true)
	dst = appendOptional(dst, propAuthMethod, p.AuthMethod)
	dst = appendOptional(dst, propAuthData, p.AuthData)
	dst = append(dst, p.UserProperties...)
	return finish(dst, start)
}

func (w *Will) append(dst []byte, v Version) []byte {
	if v == V5 {
		start := len(dst)
		dst = appendOptional32(dst, propWillDelay, w.Delay)
		if w.HasExpiry {
			dst = appendUint32(dst, propMessageExpiry, w.Expiry)
		}
		dst = append(dst, w.Forward...)
		dst = finish(dst, start)
	}
	dst = appendBlock(dst, w.Topic)
	return appendBlock(dst, w.Payload)
}
