package conformance

import (
	"fmt"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

func hexByte[B ~byte](b B) string { return fmt.Sprintf("%02x", byte(b)) }

// describe writes a packet as scripts expect it: its type, its reason codes if they are not 0, and what makes a
// PUBLISH. Packet identifiers are left out.
func (p *peer) describe(packet mqtt.Packet) string {
	switch packet := packet.(type) {
	case nil:
		return "closed"
	case *mqtt.Connack:
		if packet.SessionPresent {
			return coded("CONNACK present", packet.Code)
		}
		return coded("CONNACK", packet.Code)
	case *mqtt.Publish:
		return p.describePublish(packet)
	case *mqtt.Puback:
		return coded("PUBACK", packet.Code)
	case *mqtt.Pubrec:
		return coded("PUBREC", packet.Code)
	case *mqtt.Pubrel:
		return coded("PUBREL", packet.Code)
	case *mqtt.Pubcomp:
		return coded("PUBCOMP", packet.Code)
	case *mqtt.Suback:
		return listed("SUBACK", packet.Codes)
	case *mqtt.Unsuback:
		return listed("UNSUBACK", packet.Codes)
	case *mqtt.Disconnect:
		return coded("DISCONNECT", packet.Code)
	default:
		return strings.ToUpper(packet.Type().String())
	}
}

func coded(name string, code mqtt.ReasonCode) string {
	if code == mqtt.Success {
		return name
	}
	return name + " " + hexByte(code)
}

func listed(name string, codes []mqtt.ReasonCode) string {
	for _, c := range codes {
		name += " " + hexByte(c)
	}
	return name
}

func (p *peer) describePublish(m *mqtt.Publish) string {
	var b strings.Builder
	fmt.Fprintf(&b, "PUBLISH %s %q", strings.ReplaceAll(m.Topic, p.s.word, "~"), m.Payload)
	if m.QoS > 0 {
		fmt.Fprintf(&b, " q%d", m.QoS)
	}
	if m.Retain {
		b.WriteString(" retain")
	}
	if m.Dup {
		b.WriteString(" dup")
	}
	for _, id := range m.SubscriptionIDs {
		fmt.Fprintf(&b, " id=%d", id)
	}
	if m.HasExpiry {
		b.WriteString(" expires")
	}
	return b.String()
}
