package mqtt

import "fmt"

// ReasonCode is the outcome of an operation as MQTT 5 has it. Below 0x80 is success.
type ReasonCode byte

// The reason codes. Some values have more than one name.
const (
	Success                     ReasonCode = 0x00
	NormalDisconnection         ReasonCode = 0x00
	GrantedQoS0                 ReasonCode = 0x00
	GrantedQoS1                 ReasonCode = 0x01
	GrantedQoS2                 ReasonCode = 0x02
	DisconnectWithWill          ReasonCode = 0x04
	NoMatchingSubscribers       ReasonCode = 0x10
	NoSubscriptionExisted       ReasonCode = 0x11
	ContinueAuthentication      ReasonCode = 0x18
	ReAuthenticate              ReasonCode = 0x19
	UnspecifiedError            ReasonCode = 0x80
	MalformedPacket             ReasonCode = 0x81
	ProtocolError               ReasonCode = 0x82
	ImplementationSpecificError ReasonCode = 0x83
	UnsupportedProtocolVersion  ReasonCode = 0x84
	ClientIdentifierNotValid    ReasonCode = 0x85
	BadUserNameOrPassword       ReasonCode = 0x86
	NotAuthorized               ReasonCode = 0x87
	ServerUnavailable           ReasonCode = 0x88
	ServerBusy                  ReasonCode = 0x89
	Banned                      ReasonCode = 0x8A
	ServerShuttingDown          ReasonCode = 0x8B
	BadAuthenticationMethod     ReasonCode = 0x8C
	KeepAliveTimeout            ReasonCode = 0x8D
	SessionTakenOver            ReasonCode = 0x8E
	TopicFilterInvalid          ReasonCode = 0x8F
	TopicNameInvalid            ReasonCode = 0x90
	PacketIdentifierInUse       ReasonCode = 0x91
	PacketIdentifierNotFound    ReasonCode = 0x92
	ReceiveMaximumExceeded      ReasonCode = 0x93
	TopicAliasInvalid           ReasonCode = 0x94
	PacketTooLarge              ReasonCode = 0x95
	MessageRateTooHigh          ReasonCode = 0x96
	QuotaExceeded               ReasonCode = 0x97
	AdministrativeAction        ReasonCode = 0x98
	PayloadFormatInvalid        ReasonCode = 0x99
	RetainNotSupported          ReasonCode = 0x9A
	QoSNotSupported             ReasonCode = 0x9B
	UseAnotherServer            ReasonCode = 0x9C
	ServerMoved                 ReasonCode = 0x9D
	SharedNotSupported          ReasonCode = 0x9E
	ConnectionRateExceeded      ReasonCode = 0x9F
	MaximumConnectTime          ReasonCode = 0xA0
	SubscriptionIDsNotSupported ReasonCode = 0xA1
	WildcardsNotSupported       ReasonCode = 0xA2
)

// place is a set of places where a reason code or a property may stand.
type place uint32

func in(types ...Type) place {
	var s place
	for _, t := range types {
		s |= 1 << t
	}
	return s
}

// The places that are no packets.
const (
	inWill       place = 1 << (iota + 16) // the will properties of CONNECT
	inForward                             // what a server forwards unaltered, see ParseForward
	byServerOnly                          // a DISCONNECT has it from a server only
)

var (
	inConnack    = in(TypeConnack)
	inPublishAck = in(TypePuback, TypePubrec) // the answers to PUBLISH
	inSuback     = in(TypeSuback)
	inUnsuback   = in(TypeUnsuback)
	inDisconnect = in(TypeDisconnect)
	fromServer   = in(TypeDisconnect) | byServerOnly
)

// reasons lists every reason code with its name and where it may stand (sections 2.4, 3.2.2.2, 3.4.2.1, 3.5.2.1,
// 3.6.2.1, 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1 and 3.15.2.1 of MQTT 5.0).
var reasons = [256]struct {
	name  string
	where place
}{
	Success: {"success", inConnack | inPublishAck | in(TypePubrel, TypePubcomp, TypeAuth) | inSuback | inUnsuback |
		inDisconnect},
	GrantedQoS1:            {"granted qos 1", inSuback},
	GrantedQoS2:            {"granted qos 2", inSuback},
	DisconnectWithWill:     {"disconnect with will message", inDisconnect},
	NoMatchingSubscribers:  {"no matching subscribers", inPublishAck},
	NoSubscriptionExisted:  {"no subscription existed", inUnsuback},
	ContinueAuthentication: {"continue authentication", in(TypeAuth)},
	ReAuthenticate:         {"re-authenticate", in(TypeAuth)},

	UnspecifiedError: {"unspecified error", inConnack | inPublishAck | inSuback | inUnsuback | inDisconnect},
	MalformedPacket:  {"malformed packet", inConnack | inDisconnect},
	ProtocolError:    {"protocol error", inConnack | inDisconnect},
	ImplementationSpecificError: {
		"implementation specific error", inConnack | inPublishAck | inSuback | inUnsuback | inDisconnect,
	},
	UnsupportedProtocolVersion: {"unsupported protocol version", inConnack},
	ClientIdentifierNotValid:   {"client identifier not valid", inConnack},
	BadUserNameOrPassword:      {"bad user name or password", inConnack},
	NotAuthorized:              {"not authorized", inConnack | inPublishAck | inSuback | inUnsuback | fromServer},
	ServerUnavailable:          {"server unavailable", inConnack},
	ServerBusy:                 {"server busy", inConnack | fromServer},
	Banned:                     {"banned", inConnack},
	ServerShuttingDown:         {"server shutting down", fromServer},
	BadAuthenticationMethod:    {"bad authentication method", inConnack | fromServer},
	KeepAliveTimeout:           {"keep alive timeout", fromServer},
	SessionTakenOver:           {"session taken over", fromServer},
	TopicFilterInvalid:         {"topic filter invalid", inSuback | inUnsuback | fromServer},
	TopicNameInvalid:           {"topic name invalid", inConnack | inPublishAck | inDisconnect},
	PacketIdentifierInUse:      {"packet identifier in use", inPublishAck | inSuback | inUnsuback},
	PacketIdentifierNotFound:   {"packet identifier not found", in(TypePubrel, TypePubcomp)},
	ReceiveMaximumExceeded:     {"receive maximum exceeded", inDisconnect},
	TopicAliasInvalid:          {"topic alias invalid", inDisconnect},
	PacketTooLarge:             {"packet too large", inConnack | inDisconnect},
	MessageRateTooHigh:         {"message rate too high", inDisconnect},
	QuotaExceeded:              {"quota exceeded", inConnack | inPublishAck | inSuback | inDisconnect},
	AdministrativeAction:       {"administrative action", inDisconnect},
	PayloadFormatInvalid:       {"payload format invalid", inConnack | inPublishAck | inDisconnect},
	RetainNotSupported:         {"retain not supported", inConnack | fromServer},
	QoSNotSupported:            {"qos not supported", inConnack | fromServer},
	UseAnotherServer:           {"use another server", inConnack | fromServer},
	ServerMoved:                {"server moved", inConnack | fromServer},
	SharedNotSupported:         {"shared subscriptions not supported", inSuback | fromServer},
	ConnectionRateExceeded:     {"connection rate exceeded", inConnack | fromServer},
	MaximumConnectTime:         {"maximum connect time", fromServer},

	SubscriptionIDsNotSupported: {"subscription identifiers not supported", inSuback | fromServer},
	WildcardsNotSupported:       {"wildcard subscriptions not supported", inSuback | fromServer},
}

// String returns the specification's name for the code, in lower case. 0x00 is "success" everywhere.
func (c ReasonCode) String() string {
	if name := reasons[c].name; name != "" {
		return name
	}
	return fmt.Sprintf("reason code 0x%02x", byte(c))
}

// Failed reports whether the code stands for a failure.
func (c ReasonCode) Failed() bool { return c >= 0x80 }

// validIn reports whether the packet may carry the code.
func (c ReasonCode) validIn(t Type) bool { return reasons[c].where&(1<<t) != 0 }

// ReturnCode returns the code of an MQTT 3.1 or 3.1.1 CONNACK that says the same. Where there is none, a connection is
// to be closed without CONNACK [MQTT-3.2.2-6 of 3.1.1].
func (c ReasonCode) ReturnCode() (code byte, ok bool) {
	switch c {
	case Success:
		return 0, true
	case UnsupportedProtocolVersion:
		return 1, true
	case ClientIdentifierNotValid:
		return 2, true
	case ServerUnavailable, ServerBusy, UseAnotherServer, ServerMoved, QuotaExceeded, ConnectionRateExceeded:
		return 3, true
	case BadUserNameOrPassword:
		return 4, true
	case NotAuthorized, Banned, BadAuthenticationMethod:
		return 5, true
	}
	return 0, false
}

// returnCodes are the reason codes for the return codes of an MQTT 3.1 or 3.1.1 CONNACK.
var returnCodes = [...]ReasonCode{
	Success, UnsupportedProtocolVersion, ClientIdentifierNotValid, ServerUnavailable, BadUserNameOrPassword,
	NotAuthorized,
}
