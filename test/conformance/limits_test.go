package conformance

import (
	"fmt"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// limitScripts are about what the two sides can take.
var limitScripts = []script{
	{"the client's receive maximum is kept", "3.3.4-9 4.3.2-3 4.3.3-5 4.9.0-1 4.9.0-2", "", func(s *stage) {
		sub := s.join(mqtt.Connect{ReceiveMaximum: 2})
		sub.subscribe(mqtt.Subscription{Filter: "~/#", QoS: 2})
		pub := s.publisher(mqtt.V5)
		for i := range 5 {
			pub.publish(fmt.Sprintf("~/%d", i), "x", byte(1+i%2))
		}
		// Two may be under way. The server sends none more, and so not the markers of settle, before one is done.
		sub.expect(`PUBLISH ~/0 "x" q1`, `PUBLISH ~/1 "x" q2`)
		first, second := sub.lastBut(1), sub.last
		sub.ping()
		sub.nothing()
		sub.send(&mqtt.Pubrec{PacketID: second.PacketID})
		sub.gets("PUBREL")
		sub.ping()
		sub.nothing() // PUBREC makes no room [4.9.0-2]
		sub.send(&mqtt.Puback{PacketID: first.PacketID})
		sub.expect(`PUBLISH ~/2 "x" q1`)
		sub.send(&mqtt.Pubcomp{PacketID: second.PacketID})
		sub.expect(`PUBLISH ~/3 "x" q2`)
		sub.send(&mqtt.Pubrec{PacketID: sub.last.PacketID, Code: mqtt.UnspecifiedError})
		sub.expect(`PUBLISH ~/4 "x" q1`)
	}},
	{"a full window does not hold up answers", "3.3.4-10 4.9.0-3", "", func(s *stage) {
		sub := s.join(mqtt.Connect{ReceiveMaximum: 1})
		sub.subscribe(mqtt.Subscription{Filter: "~/#", QoS: 1})
		pub := s.publisher(mqtt.V5)
		pub.publish("~/1", "x", 1)
		pub.publish("~/2", "x", 1)
		sub.expect(`PUBLISH ~/1 "x" q1`)
		sub.ping()
		sub.subscribe(mqtt.Subscription{Filter: "~else"})
		sub.publish("~other", "x", 2)
		sub.ping()
	}},
	{"a message that is too large for the client is left out", "3.1.2-24 3.1.2-25", "", func(s *stage) {
		sub := s.join(mqtt.Connect{MaximumPacketSize: 128})
		sub.auto = true
		sub.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
		pub := s.publisher(mqtt.V5)
		overhead := 1 + 1 + 2 + len(s.word) + 2 + 1 // fixed header, topic, packet identifier, property length
		fits := strings.Repeat("x", 128-overhead)
		pub.publish("~", fits+"y", 1)
		pub.publish("~", fits, 1)
		pub.publish("~", strings.Repeat("z", 100_000), 1)
		s.receives(sub, fmt.Sprintf("PUBLISH ~ %q q1", fits))
	}},
	{"a retained message that is too large for the client is left out", "3.1.2-25", "", func(s *stage) {
		pub := s.publisher(mqtt.V5)
		pub.retain("~/a", strings.Repeat("x", 300))
		pub.retain("~/b", "small")
		sub := s.join(mqtt.Connect{MaximumPacketSize: 128})
		sub.subscribe(mqtt.Subscription{Filter: "~/+", QoS: 0})
		s.receives(sub, `PUBLISH ~/b "small" retain`)
		pub.retain("~/a", "")
		pub.retain("~/b", "")
	}},
	{
		"no reason makes an answer too large", "3.1.2-24 3.4.2-2 3.5.2-2 3.14.2-3", "",
		func(s *stage) {
			for limit := 32; limit < 64; limit += 4 {
				p := s.dialAt(s.node(), mqtt.V5, limit)
				p.send(&mqtt.Connect{Version: mqtt.V5, ClientID: "~", MaximumPacketSize: uint32(limit), CleanStart: true})
				p.accepted()
				p.send(
					&mqtt.Publish{Topic: "$SYS/~", QoS: 1, PacketID: 1},
					&mqtt.Publish{Topic: "$SYS/~", QoS: 2, PacketID: 2}, &mqtt.Pubrel{PacketID: 3},
				)
				p.gets("PUBACK 87", "PUBREC 87", "PUBCOMP 92")
				p.send(&mqtt.Subscribe{PacketID: 1})
				p.refused("82")
			}
		},
	},
	{"no reasons for who wants none", "3.1.2-29", "", func(s *stage) {
		p := s.join(mqtt.Connect{NoProblemInfo: true})
		p.send(
			&mqtt.Publish{Topic: "$SYS/~", QoS: 1, PacketID: 1}, &mqtt.Publish{Topic: "$SYS/~", QoS: 2, PacketID: 2},
			&mqtt.Pubrel{PacketID: 3}, &mqtt.Pubrec{PacketID: 4},
			&mqtt.Subscribe{PacketID: 5, Subscriptions: []mqtt.Subscription{{Filter: "#/~"}}},
			&mqtt.Unsubscribe{PacketID: 6, Filters: []string{"#/~"}},
		)
		p.plain("PUBACK 87", "PUBREC 87", "PUBCOMP 92", "PUBREL 92", "SUBACK 8f", "UNSUBACK 8f")
	}},
	{"a packet that is too large for the server", "3.2.2-15", "", func(s *stage) {
		sub, p := s.subscriber(mqtt.V5, "~"), s.publisher(mqtt.V5)
		limit := int(p.connack.MaximumPacketSize)
		payload := make([]byte, limit-(1+4+2+len(s.word)+2+1))
		p.publish("~", string(payload), 1)
		sub.message()
		if len(sub.last.Payload) != len(payload) {
			s.Fatalf("got %d bytes of %d", len(sub.last.Payload), len(payload))
		}
		p.send(&mqtt.Publish{Topic: "~", Payload: append(payload, 'x'), QoS: 1, PacketID: 2})
		p.refused("95")
	}},
}

// expect checks the next messages.
func (p *peer) expect(want ...string) {
	p.s.Helper()
	for _, w := range want {
		if got := p.message(); got != w {
			p.s.Fatalf("got %s, want %s", got, w)
		}
	}
}

// lastBut returns the n-th message before the last that message has returned.
func (p *peer) lastBut(n int) *mqtt.Publish { return p.seen[len(p.seen)-1-n] }

// nothing checks that no message has come that message has not returned.
func (p *peer) nothing() {
	p.s.Helper()
	if n := len(p.messages); n > 0 {
		p.s.Fatalf("%d messages came too early, the first is %s", n, p.message())
	}
}

// plain is gets for packets without reason strings and user properties.
func (p *peer) plain(want ...string) {
	p.s.Helper()
	for _, w := range want {
		packet := p.next()
		// A packet that carries no property is as short as its version 3.1.1 and the codes allow.
		if got := p.describe(packet); got != w || len(packet.Append(nil, mqtt.V5)) > 6 {
			p.s.Fatalf("got %s in %d bytes, want %s", got, len(packet.Append(nil, mqtt.V5)), w)
		}
	}
}
