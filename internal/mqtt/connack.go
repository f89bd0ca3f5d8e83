package mqtt

// Connack answers a CONNECT. Its zero value lets the client in and says nothing else.
type Connack struct {
	SessionPresent bool // only with Success [MQTT-3.2.2-6]; MQTT 3.1 does not know it
	Code           ReasonCode

	HasSessionExpiry bool
	SessionExpiry    uint32 // seconds; without HasSessionExpiry the client's value holds
	ReceiveMaximum   uint16 // as decoded never 0: 65,535 stands for none
	HasMaximumQoS    bool
	MaximumQoS       byte // 0 or 1; without HasMaximumQoS it is 2, whatever stands here
	// RetainUnavailable, WildcardsUnavailable, IDsUnavailable and SharedUnavailable say what the server cannot do:
	// retained messages, subscriptions with wildcards, subscription identifiers, shared subscriptions.
	RetainUnavailable    bool
	WildcardsUnavailable bool
	IDsUnavailable       bool
	SharedUnavailable    bool
	MaximumPacketSize    uint32 // bytes; 0 is no limit
	AssignedClientID     string
	TopicAliasMaximum    uint16
	HasServerKeepAlive   bool
	ServerKeepAlive      uint16 // seconds; without HasServerKeepAlive the client's value holds
	ResponseInfo         string
	ServerReference      string
	ReasonString         string
	AuthMethod           string
	AuthData             []byte
	UserProperties       UserProperties
}

// Type implements Packet.
func (*Connack) Type() Type { return TypeConnack }

func (d *decoder) connack() *Connack {
	p := &Connack{}
	flags := d.byte()
	if d.version != V31 {
		p.SessionPresent = flags&1 != 0
		if flags > 1 { // [MQTT-3.2.2-1]
			d.malformed("reserved acknowledge flags")
		}
	}
	p.Code = d.connackCode()
	if p.SessionPresent && p.Code != Success {
		d.fail(ProtocolError, "session present in spite of an error")
	}
	d.connackProperties(p)
	return p
}

func (d *decoder) connackCode() ReasonCode {
	if d.version == V5 {
		return d.reason()
	}
	c := d.byte()
	if int(c) >= len(returnCodes) {
		d.malformed("unknown return code")
		return 0
	}
	return returnCodes[c]
}

func (d *decoder) connackProperties(p *Connack) {
	p.ReceiveMaximum = defaultReceiveMaximum
	var user run
	d.properties(inConnack)
	for d.next() {
		switch d.prop.id {
		case propSessionExpiry:
			p.SessionExpiry, p.HasSessionExpiry = d.prop.number, true
		case propReceiveMaximum:
			p.ReceiveMaximum = uint16(d.prop.number)
		case propMaximumQoS:
			p.MaximumQoS, p.HasMaximumQoS = byte(d.prop.number), true
		case propRetainAvailable:
			p.RetainUnavailable = d.prop.number == 0
		case propWildcardsAvailable:
			p.WildcardsUnavailable = d.prop.number == 0
		case propIDsAvailable:
			p.IDsUnavailable = d.prop.number == 0
		case propSharedAvailable:
			p.SharedUnavailable = d.prop.number == 0
		case propMaximumPacketSize:
			p.MaximumPacketSize = d.prop.number
		case propTopicAliasMaximum:
			p.TopicAliasMaximum = uint16(d.prop.number)
		case propServerKeepAlive:
			p.ServerKeepAlive, p.HasServerKeepAlive = uint16(d.prop.number), true
		case propUserProperty:
			user.add(d)
		default:
			d.connackText(p)
		}
	}
	p.UserProperties = user.properties()
}

// connackText sets the field of a property that is a string or binary data.
func (d *decoder) connackText(p *Connack) {
	switch d.prop.id {
	case propAssignedClientID:
		p.AssignedClientID = string(d.prop.data)
	case propResponseInfo:
		p.ResponseInfo = string(d.prop.data)
	case propServerReference:
		p.ServerReference = string(d.prop.data)
	case propReasonString:
		p.ReasonString = string(d.prop.data)
	case propAuthMethod:
		p.AuthMethod = string(d.prop.data)
	case propAuthData:
		p.AuthData = orNil(d.prop.data)
	}
}

// Append implements Packet. Where v has no CONNACK with the packet's code it appends nothing: the connection is to be
// closed without one [MQTT-3.2.2-6 of 3.1.1].
func (p *Connack) Append(dst []byte, v Version) []byte {
	present := byte(0)
	if p.SessionPresent && p.Code == Success && v != V31 {
		present = 1
	}
	switch v {
	case V31, V311:
		if code, ok := p.Code.ReturnCode(); ok {
			return append(begin(dst, TypeConnack), 2, present, code)
		}
	case V5:
		dst = begin(dst, TypeConnack)
		body := len(dst)
		dst = append(dst, present, byte(p.Code))
		dst = p.appendProperties(dst)
		return finish(dst, body)
	}
	return dst
}

func (p *Connack) appendProperties(dst []byte) []byte {
	start := len(dst)
	if p.HasSessionExpiry {
		dst = appendUint32(dst, propSessionExpiry, p.SessionExpiry)
	}
	dst = appendReceiveMaximum(dst, p.ReceiveMaximum)
	if p.HasMaximumQoS {
		dst = append(dst, byte(propMaximumQoS), p.MaximumQoS)
	}
	dst = appendUnless(dst, propRetainAvailable, !p.RetainUnavailable, true)
	dst = appendOptional32(dst, propMaximumPacketSize, p.MaximumPacketSize)
	dst = appendOptional(dst, propAssignedClientID, p.AssignedClientID)
	dst = appendOptional16(dst, propTopicAliasMaximum, p.TopicAliasMaximum)
	dst = appendOptional(dst, propReasonString, p.ReasonString)
	dst = append(dst, p.UserProperties...)
	dst = appendUnless(dst, propWildcardsAvailable, !p.WildcardsUnavailable, true)
	dst = appendUnless(dst, propIDsAvailable, !p.IDsUnavailable, true)
	dst = appendUnless(dst, propSharedAvailable, !p.SharedUnavailable, true)
	if p.HasServerKeepAlive {
		dst = appendUint16(dst, propServerKeepAlive, p.ServerKeepAlive)
	}
	dst = appendOptional(dst, propResponseInfo, p.ResponseInfo)
	dst = appendOptional(dst, propServerReference, p.ServerReference)
	dst = appendOptional(dst, propAuthMethod, p.AuthMethod)
	dst = appendOptional(dst, propAuthData, p.AuthData)
	return finish(dst, start)
}
