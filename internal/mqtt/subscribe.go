package mqtt

import (
	"encoding/binary"
	"strings"
)

// Subscribe asks for subscriptions, at least one.
type Subscribe struct {
	PacketID       uint16
	SubscriptionID uint32 // 0: none
	Subscriptions  []Subscription
	UserProperties UserProperties
}

// Subscription is a topic filter and how its messages are to be delivered. MQTT 3 knows Filter and QoS only.
type Subscription struct {
	Filter            string // as it came: whether it is a topic filter is not checked
	QoS               byte   // at most this
	NoLocal           bool   // nothing that was published on the same connection
	RetainAsPublished bool
	RetainHandling    byte // 0: send retained messages; 1: only if the subscription is new; 2: do not
}

// The bits of the subscription options, section 3.8.3.1.
const (
	optionQoS             = 0x03
	optionNoLocal         = 0x04
	optionRetainPublished = 0x08
	optionRetainHandling1 = 0x10
	optionRetainHandling  = 0x30
	optionReserved        = 0xc0
)

// Type implements Packet.
func (*Subscribe) Type() Type { return TypeSubscribe }

func (d *decoder) subscribe() *Subscribe {
	p := &Subscribe{PacketID: d.packetID()}
	var user run
	d.properties(in(TypeSubscribe))
	for d.next() {
		switch {
		case d.prop.id == propUserProperty:
			user.add(d)
		case p.SubscriptionID != 0:
			d.fail(ProtocolError, "subscription identifier more than once")
		default:
			p.SubscriptionID = d.prop.number
		}
	}
	p.UserProperties = user.properties()
	if len(d.rest) == 0 { // [MQTT-3.8.3-2]
		d.fail(ProtocolError, "no topic filter")
	}
	for len(d.rest) > 0 {
		d.checkFilters(len(p.Subscriptions))
		p.Subscriptions = append(p.Subscriptions, d.subscription())
	}
	return p
}

// maxFilters is how many topic filters a packet may have. In memory a short one takes many times its bytes on the wire.
const maxFilters = 1 << 14

// checkFilters refuses one more topic filter than there may be.
func (d *decoder) checkFilters(n int) {
	if n >= maxFilters {
		d.fail(QuotaExceeded, "too many topic filters")
	}
}

func (d *decoder) subscription() Subscription {
	s := Subscription{Filter: d.string()}
	options := d.byte()
	s.QoS = options & optionQoS
	s.NoLocal = options&optionNoLocal != 0
	s.RetainAsPublished = options&optionRetainPublished != 0
	s.RetainHandling = options & optionRetainHandling / optionRetainHandling1
	switch {
	case options&optionReserved != 0, d.version != V5 && options > optionQoS: // [MQTT-3.8.3-5], [MQTT-3.8.3-4 of 3.1.1]
		d.malformed("reserved subscription options")
	case s.QoS == 3 && d.version != V5: // [MQTT-3.8.3-4 of 3.1.1]
		d.malformed("QoS 3")
	case s.QoS == 3:
		d.fail(ProtocolError, "QoS 3")
	case s.RetainHandling == 3:
		d.fail(ProtocolError, "retain handling 3")
	case s.NoLocal && strings.HasPrefix(s.Filter, "$share/"): // [MQTT-3.8.3-4]
		d.fail(ProtocolError, "no local on a shared subscription")
	}
	return s
}

// Append implements Packet.
func (p *Subscribe) Append(dst []byte, v Version) []byte {
	dst = begin(dst, TypeSubscribe)
	body := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	if v == V5 {
		start := len(dst)
		if p.SubscriptionID != 0 {
			dst = appendVarint(append(dst, byte(propSubscriptionID)), p.SubscriptionID)
		}
		dst = append(dst, p.UserProperties...)
		dst = finish(dst, start)
	}
	for i := range p.Subscriptions {
		s := &p.Subscriptions[i]
		dst = appendBlock(dst, s.Filter)
		dst = append(dst, s.options(v))
	}
	return finish(dst, body)
}

func (s *Subscription) options(v Version) byte {
	options := s.QoS & optionQoS
	if v != V5 {
		return options
	}
	if s.NoLocal {
		options |= optionNoLocal
	}
	if s.RetainAsPublished {
		options |= optionRetainPublished
	}
	return options | s.RetainHandling&3*optionRetainHandling1
}
