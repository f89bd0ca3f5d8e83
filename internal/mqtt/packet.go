package mqtt

import "fmt"

// Version is the version of the protocol as CONNECT numbers it.
type Version byte

// The versions. The zero Version is that of a connection on which no CONNECT was seen.
const (
	V31  Version = 3
	V311 Version = 4
	V5   Version = 5
)

// String returns the version's usual name.
func (v Version) String() string {
	switch v {
	case V31:
		return "3.1"
	case V311:
		return "3.1.1"
	case V5:
		return "5.0"
	}
	return fmt.Sprintf("version(%d)", byte(v))
}

// Type is the type of a control packet, the upper half of its first byte.
type Type byte

// The types.
const (
	TypeConnect Type = iota + 1
	TypeConnack
	TypePublish
	TypePuback
	TypePubrec
	TypePubrel
	TypePubcomp
	TypeSubscribe
	TypeSuback
	TypeUnsubscribe
	TypeUnsuback
	TypePingreq
	TypePingresp
	TypeDisconnect
	TypeAuth
)

var typeNames = [16]string{
	"", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp",
	"subscribe", "suback", "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth",
}

// String returns the type's name in lower case.
func (t Type) String() string {
	if t == 0 || int(t) >= len(typeNames) {
		return fmt.Sprintf("type(%d)", byte(t))
	}
	return typeNames[t]
}

// Packet is one of the fifteen control packets: *Connect, *Connack, *Publish, *Puback, *Pubrec, *Pubrel, *Pubcomp,
// *Subscribe, *Suback, *Unsubscribe, *Unsuback, *Pingreq, *Pingresp, *Disconnect or *Auth.
type Packet interface {
	// Type returns the packet's type.
	Type() Type
	// Append appends the packet as version v has it; what v does not know is left out. Strings and binary data are
	// cut at 65,535 bytes, the most that MQTT can express.
	Append(dst []byte, v Version) []byte
}

// fixedFlags are the lower half of the first byte, for the types where it is fixed [MQTT-2.1.3-1]. PUBLISH is not.
var fixedFlags = [16]byte{TypePubrel: 2, TypeSubscribe: 2, TypeUnsubscribe: 2}

// dupFlag marks a PUBLISH that may have been sent before; in MQTT 3.1 also a PUBREL, SUBSCRIBE or UNSUBSCRIBE.
const dupFlag = 8

// Decode reads one packet, given the first byte of its fixed header and all that follows the remaining length.
// A CONNECT is read as the version that it names itself, everything else as v. The error, if any, is an *Error.
// A Reader does the same for a stream, and faster.
//
// Strings are copied, but byte slices in the packet, Forward and UserProperties refer to body.
func Decode(first byte, body []byte, v Version) (Packet, error) {
	d := decoder{rest: body, version: v, packet: Type(first >> 4)}
	d.checkFirst(first)
	p := d.decode(first)
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

// checkFirst checks the first byte of a packet.
func (d *decoder) checkFirst(first byte) {
	flags := first & 0x0f
	switch {
	case d.packet == 0, d.packet == TypeAuth && d.version != V5:
		d.malformed("unknown packet type")
	case d.packet != TypeConnect && !d.version.known(): // [MQTT-3.1.0-1]
		d.fail(ProtocolError, "no connect before it")
	case d.packet == TypePublish:
		d.checkPublishFlags(flags)
	case d.version == V31 && fixedFlags[d.packet] != 0 && flags == fixedFlags[d.packet]|dupFlag:
	case flags != fixedFlags[d.packet]:
		d.malformed("reserved flags of the fixed header")
	}
}

func (v Version) known() bool { return v == V31 || v == V311 || v == V5 }

// decode reads a packet's body. After an error the packet is of no use.
func (d *decoder) decode(first byte) Packet {
	if d.packet == TypePublish {
		p := &Publish{}
		d.publish(p, first)
		return p
	}
	p := d.control()
	d.end()
	return p
}

// control reads the body of a packet other than PUBLISH.
func (d *decoder) control() Packet {
	switch d.packet {
	case TypeConnect:
		return d.connect()
	case TypeConnack:
		return d.connack()
	case TypePuback:
		return (*Puback)(d.ack())
	case TypePubrec:
		return (*Pubrec)(d.ack())
	case TypePubrel:
		return (*Pubrel)(d.ack())
	case TypePubcomp:
		return (*Pubcomp)(d.ack())
	case TypeSubscribe:
		return d.subscribe()
	case TypeSuback:
		return d.suback()
	case TypeUnsubscribe:
		return d.unsubscribe()
	case TypeUnsuback:
		return d.unsuback()
	case TypePingreq:
		return &Pingreq{}
	case TypePingresp:
		return &Pingresp{}
	case TypeDisconnect:
		return d.disconnect()
	case TypeAuth:
		return d.auth()
	}
	return nil
}
