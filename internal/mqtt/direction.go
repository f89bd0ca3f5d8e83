package mqtt

// FromClient checks what Decode does not: that a client may send p. The error, if any, is an *Error.
func FromClient(p Packet) error {
	e := fromClientError(p)
	if e == nil {
		return nil
	}
	e.Packet = p.Type()
	return e
}

func fromClientError(p Packet) *Error {
	switch p := p.(type) {
	case *Connack, *Suback, *Unsuback, *Pingresp:
		return &Error{Code: ProtocolError, Detail: "only a server sends it"}
	case *Publish:
		if len(p.SubscriptionIDs) > 0 { // [MQTT-3.3.4-6]
			return &Error{Code: ProtocolError, Detail: "subscription identifier from a client"}
		}
	case *Disconnect:
		if reasons[p.Code].where&byServerOnly != 0 || p.ServerReference != "" {
			return &Error{Code: ProtocolError, Detail: "only a server says this"}
		}
	case *Auth:
		if p.Code == Success {
			return &Error{Code: ProtocolError, Detail: "only a server ends an authentication"}
		}
	}
	return nil
}
