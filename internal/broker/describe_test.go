package broker_test

import (
	"fmt"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// describe writes a packet as the scripts spell it. What has its usual value is left out.
func describe(packet mqtt.Packet) string {
	name := strings.ToUpper(packet.Type().String())
	switch p := packet.(type) {
	case *mqtt.Connack:
		return fields(name, p.Code, differing(p))
	case *mqtt.Publish:
		return describePublish(p)
	case *mqtt.Puback:
		return describeAck(name, mqtt.Ack(*p))
	case *mqtt.Pubrec:
		return describeAck(name, mqtt.Ack(*p))
	case *mqtt.Pubrel:
		return describeAck(name, mqtt.Ack(*p))
	case *mqtt.Pubcomp:
		return describeAck(name, mqtt.Ack(*p))
	case *mqtt.Suback:
		return fields(name, fmt.Sprintf("#%d", p.PacketID), codes(p.Codes), explanation(p.ReasonString, p.UserProperties))
	case *mqtt.Unsuback:
		return fields(name, fmt.Sprintf("#%d", p.PacketID), codes(p.Codes), explanation(p.ReasonString, p.UserProperties))
	case *mqtt.Disconnect:
		return fields(name, p.Code, explanation(p.ReasonString, p.UserProperties))
	default:
		return name
	}
}

// describePublish writes, say, `PUBLISH a/b "hello" q1 #7 retain`.
func describePublish(p *mqtt.Publish) string {
	line := fmt.Sprintf("PUBLISH %s %q", p.Topic, p.Payload)
	if p.QoS > 0 {
		line += fmt.Sprintf(" q%d #%d", p.QoS, p.PacketID)
	}
	if p.Retain {
		line += " retain"
	}
	if p.Dup {
		line += " dup"
	}
	if p.TopicAlias != 0 {
		line += fmt.Sprintf(" alias=%d", p.TopicAlias)
	}
	if len(p.SubscriptionIDs) > 0 {
		line += fmt.Sprintf(" ids%v", p.SubscriptionIDs)
	}
	if p.HasExpiry {
		line += fmt.Sprintf(" expiry=%d", p.Expiry)
	}
	if f, _ := mqtt.ParseForward(p.Forward); f.ContentType != "" {
		line += " type=" + f.ContentType
	}
	line += unorderedMark(p)
	return line
}

// unorderedMark tells that a message was handed over before it was ordered.
func unorderedMark(p *mqtt.Publish) string {
	f, _ := mqtt.ParseForward(p.Forward)
	for name, value := range f.UserProperties.All() {
		if name == "foxmq-unordered" {
			return " unordered=" + value
		}
	}
	return ""
}

func describeAck(name string, p mqtt.Ack) string {
	id := fmt.Sprintf("#%d", p.PacketID)
	said := explanation(p.ReasonString, p.UserProperties)
	if p.Code == mqtt.Success {
		return fields(name, id, said)
	}
	return fields(name, id, hex(p.Code), said)
}

// explanation is what a packet says about its reason code, in words.
func explanation(reason string, user mqtt.UserProperties) string {
	for name, value := range user.All() {
		reason += fmt.Sprintf(" %s=%s", name, value)
	}
	return reason
}

func differing(p *mqtt.Connack) string {
	var s []string
	if p.SessionPresent {
		s = append(s, "session present")
	}
	if p.HasSessionExpiry {
		s = append(s, fmt.Sprintf("expiry=%d", p.SessionExpiry))
	}
	if p.AssignedClientID != "" {
		s = append(s, "assigned id")
	}
	if p.HasServerKeepAlive {
		s = append(s, fmt.Sprintf("keepalive=%d", p.ServerKeepAlive))
	}
	if p.ResponseInfo != "" {
		s = append(s, "response="+p.ResponseInfo)
	}
	if said := explanation(p.ReasonString, p.UserProperties); said != "" {
		s = append(s, said)
	}
	return strings.Join(s, " ")
}

func codes(list []mqtt.ReasonCode) string {
	words := make([]string, len(list))
	for i, c := range list {
		words[i] = hex(c)
	}
	return strings.Join(words, " ")
}

func hex(c mqtt.ReasonCode) string { return fmt.Sprintf("%02x", byte(c)) }

// fields joins what is not empty.
func fields(parts ...any) string {
	var words []string
	for _, p := range parts {
		if c, ok := p.(mqtt.ReasonCode); ok {
			p = hex(c)
		}
		if s := fmt.Sprint(p); s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}
