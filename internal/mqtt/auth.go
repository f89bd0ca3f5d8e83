package mqtt

// Auth carries a step of enhanced authentication. Only MQTT 5 has it.
type Auth struct {
	Code           ReasonCode
	AuthMethod     string
	AuthData       []byte
	ReasonString   string
	UserProperties UserProperties
}

// Type implements Packet.
func (*Auth) Type() Type { return TypeAuth }

// auth reads an AUTH. It may be empty, which means Success (section 3.15.2.1); else it names its method
// (section 3.15.2.2.2).
func (d *decoder) auth() *Auth {
	p := &Auth{}
	if len(d.rest) == 0 {
		return p
	}
	p.Code = d.reason()
	d.authProperties(p)
	if p.AuthMethod == "" {
		d.fail(ProtocolError, "no authentication method")
	}
	return p
}

func (d *decoder) authProperties(p *Auth) {
	var user run
	d.properties(in(TypeAuth))
	for d.next() {
		switch d.prop.id {
		case propAuthMethod:
			p.AuthMethod = string(d.prop.data)
		case propAuthData:
			p.AuthData = orNil(d.prop.data)
		case propReasonString:
			p.ReasonString = string(d.prop.data)
		case propUserProperty:
			user.add(d)
		}
	}
	p.UserProperties = user.properties()
}

// Append implements Packet. In MQTT 3 there is no such packet, and it appends nothing.
func (p *Auth) Append(dst []byte, v Version) []byte {
	if v != V5 {
		return dst
	}
	dst = begin(dst, TypeAuth)
	body := len(dst)
	if p.Code != Success || p.AuthMethod != "" {
		dst = append(dst, byte(p.Code))
		start := len(dst)
		dst = appendOptional(dst, propAuthMethod, p.AuthMethod)
		dst = appendOptional(dst, propAuthData, p.AuthData)
		dst = appendOptional(dst, propReasonString, p.ReasonString)
		dst = append(dst, p.UserProperties...)
		dst = finish(dst, start)
	}
	return finish(dst, body)
}
