package conformance

import (
	"fmt"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// limitScripts are about what the two sides can take.
var limitScripts = []script{
	{"the client's receive maximum is kept [3.1.2-24] [3.3.4-9] [4.9.0-2]", func(s *stage) {
		sub := s.join(there, mqtt.Connect{ReceiveMaximum: 2})
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
	{"a full window does not hold up answers [3.3.4-10] [4.9.0-3]", func(s *stage) {
		sub := s.join(there, mqtt.Connect{ReceiveMaximum: 1})
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
	{"a message that is too large for the client is left out [3.1.2-24] [3.1.2-25]", func(s *stage) {
		sub := s.join(there, mqtt.Connect{MaximumPacketSize: 128})
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
	{"a retained message that is too large for the client is left out [3.1.2-25]", func(s *stage) {
		pub := s.publisher(mqtt.V5)
		pub.retain("~/a", strings.Repeat("x", 300))
		pub.retain("~/b", "small")
		sub := s.join(there, mqtt.Connect{MaximumPacketSize: 128})
		sub.subscribe(mqtt.Subscription{Filter: "~/+", QoS: 0})
		s.receives(sub, `PUBLISH ~/b "small" retain`)
		pub.retain("~/a", "")
		pub.retain("~/b", "")
	}},
	{"a packet that is too large for the server [3.2.2-15]", func(s *stage) {
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
