package mqtt

// Disconnect is the last packet on a connection. In MQTT 3 it has no fields, and a server sends none.
type Disconnect struct {
	Code             ReasonCode
	HasSessionExpiry bool
	SessionExpiry    uint32 // seconds; only with HasSessionExpiry, and from a client only [MQTT-3.14.2-2]
	ReasonString     string
	ServerReference  string // from a server only
	UserProperties   UserProperties
}

// Type implements Packet.
func (*Disconnect) Type() Type { return TypeDisconnect }

// disconnect reads a DISCONNECT. In MQTT 5 the property length may be left out, and the code too where it is
// NormalDisconnection (section 3.14.2.1).
func (d *decoder) disconnect() *Disconnect {
	p := &Disconnect{}
	if d.version == V5 && len(d.rest) > 0 {
		p.Code = d.reason()
		if len(d.rest) > 0 {
			d.disconnectProperties(p)
		}
	}
	return p
}

func (d *decoder) disconnectProperties(p *Disconnect) {
	var user run
	d.properties(inDisconnect)
	for d.next() {
		switch d.prop.id {
		case propSessionExpiry:
			p.SessionExpiry, p.HasSessionExpiry = d.prop.number, true
		case propReasonString:
			p.ReasonString = string(d.prop.data)
		case propServerReference:
			p.ServerReference = string(d.prop.data)
		case propUserProperty:
			user.add(d)
		}
	}
	p.UserProperties = user.properties()
}

// Append implements Packet.
func (p *Disconnect) Append(dst []byte, v Version) []byte {
	dst = begin(dst, TypeDisconnect)
	body := len(dst)
	if v == V5 {
		dst = append(dst, byte(p.Code))
		start := len(dst)
		if p.HasSessionExpiry {
			dst = appendUint32(dst, propSessionExpiry, p.SessionExpiry)
		}
		dst = appendOptional(dst, propReasonString, p.ReasonString)
		dst = append(dst, p.UserProperties...)
		dst = appendOptional(dst, propServerReference, p.ServerReference)
		if len(dst) > start {
			dst = finish(dst, start)
		} else if p.Code == NormalDisconnection {
			dst = dst[:body]
		}
	}
	return finish(dst, body)
}
