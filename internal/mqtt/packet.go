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

// MaxRemaining is the largest remaining length, in bytes, that a packet can have.
const MaxRemaining = 1<<28 - 1

// fixedFlags are the lower half of the first byte, for the types where it is fixed [MQTT-2.1.3-1]. PUBLISH is not.
var fixedFlags = [16]byte{TypePubrel: 2, TypeSubscribe: 2, TypeUnsubscribe: 2}

// dupFlag marks a PUBLISH that may have been sent before; in MQTT 3.1 also a PUBREL, SUBSCRIBE or UNSUBSCRIBE.
const dupFlag = 8

// Decode reads one packet, given the first byte of its fixed header and all that follows the remaining length.
// A CONNECT is read as the version that it names itself, everything else as v. The error, if any, is an *Error.
//
// Strings are copied, but byte slices in the packet, Forward and UserProperties refer to body.
func Decode(first byte, body []byte, v Version) (Packet, error) {
	t, flags := Type(first>>4), first&0x0f
	d := decoder{rest: body, version: v, packet: t}
	if t == TypePublish {
		p := &Publish{}
		if err := p.decode(&d, flags); err != nil {
			return nil, err
		}
		return p, nil
	}
	d.checkHeader(t, flags)
	p := d.decode(t)
	d.end()
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

// checkHeader checks the packet's type and flags.
func (d *decoder) checkHeader(t Type, flags byte) {
	if d.version == V31 && fixedFlags[t] != 0 {
		flags &^= dupFlag
	}
	if flags != fixedFlags[t] {
		d.malformed("reserved flags of the fixed header")
	}
	if t != TypeConnect && !d.version.known() {
		d.fail(ProtocolError, "no connect before it") // [MQTT-3.1.0-1]
	}
}

func (v Version) known() bool { return v == V31 || v == V311 || v == V5 }

// decode reads the body of a packet other than PUBLISH. After an error the packet is of no use.
func (d *decoder) decode(t Type) Packet {
	if d.err != nil {
		return nil
	}
	switch t {
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
	d.malformed("unknown packet type")
	return nil
}
