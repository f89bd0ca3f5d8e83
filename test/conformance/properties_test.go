package conformance

import (
	"bytes"
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// forwarded are properties of which each must arrive as it was sent: payload format, content type, response topic,
// correlation data, and user properties in their order.
func forwarded() []byte {
	f := mqtt.Forwarded{
		Text: true, ContentType: "text/plain", ResponseTopic: "answers/here", CorrelationData: []byte{0, 255, 1},
		UserProperties: mqtt.UserProperties{}.Add("b", "1").Add("a", "").Add("", "2").Add("b", "1").Add("b", "0"),
	}
	return f.Append(nil)
}

// propertyScripts are about the properties of messages, MQTT 5 alone.
var propertyScripts = []script{
	{
		"properties are forwarded unaltered, at each QoS",
		"3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20", "",
		func(s *stage) {
			sub, pub := s.subscriber(mqtt.V5, "~"), s.publisher(mqtt.V5)
			for qos := range byte(3) {
				pub.publishPacket(mqtt.Publish{Topic: "~", QoS: qos, Forward: forwarded()})
				sub.message()
				if !bytes.Equal(sub.last.Forward, forwarded()) {
					s.Fatalf("got  % x\nwant % x", sub.last.Forward, forwarded())
				}
			}
		},
	},
	{"properties are retained, and those of a will forwarded", "3.1.3-10 3.3.2-17 3.3.2-18", "", func(s *stage) {
		will := &mqtt.Will{Topic: "~", Payload: []byte("x"), Retain: true, Forward: forwarded()}
		w := s.join(mqtt.Connect{Will: will})
		live := s.subscriber(mqtt.V5, "~")
		w.hangUp()
		live.message()
		late := s.subscriber(mqtt.V5, "~")
		late.message()
		for _, sub := range []*peer{live, late} {
			if !bytes.Equal(sub.last.Forward, forwarded()) {
				s.Fatalf("got  % x\nwant % x", sub.last.Forward, forwarded())
			}
		}
		s.publisher(mqtt.V5).retain("~", "")
	}},
	{"the order between kinds of properties stays", "3.3.2-17 3.3.2-18", "", func(s *stage) {
		sub, pub := s.subscriber(mqtt.V5, "~"), s.publisher(mqtt.V5)
		// user property, content type, message expiry, topic alias, user property, payload format
		mixed := "26 00 01 61 00 01 31  03 00 01 74  02 00 00 10 00  23 00 01  26 00 01 61 00 01 30  01 00"
		pub.bytes(frame(0x30, append(text(s.word), unhex("1c"+mixed)...)))
		sub.message()
		want := unhex("26 00 01 61 00 01 31  03 00 01 74  26 00 01 61 00 01 30  01 00")
		if !bytes.Equal(sub.last.Forward, want) {
			s.Fatalf("got  % x\nwant % x", sub.last.Forward, want)
		}
	}},
	{"3.1.1 gets none of them", "", "", func(s *stage) {
		sub := s.subscriber(mqtt.V311, "~")
		s.publisher(mqtt.V5).publishPacket(mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 1, Forward: forwarded()})
		s.receives(sub, `PUBLISH ~ "x" q1`)
	}},
	{"a message's expiry is forwarded less the time it waited", "3.3.2-6", "", func(s *stage) {
		sub, pub := s.subscriber(mqtt.V5, "~"), s.publisher(mqtt.V5)
		pub.publishPacket(mqtt.Publish{Topic: "~", QoS: 1, HasExpiry: true, Expiry: 1000, Retain: true, Payload: []byte("x")})
		late := s.subscriber(mqtt.V5, "~")
		for _, p := range []*peer{sub, late} {
			p.message()
			if e := p.last.Expiry; !p.last.HasExpiry || e > 1000 || e < 900 {
				s.Fatalf("expiry is %d of 1000", e)
			}
		}
		pub.retain("~", "")
		pub.publishPacket(mqtt.Publish{Topic: "~", QoS: 1, HasExpiry: true, Expiry: 0xffffffff})
		for sub.message(); len(sub.last.Payload) > 0 || !sub.last.HasExpiry; sub.message() {
		}
		if sub.last.Expiry < 0xffffff00 {
			s.Fatalf("expiry is %d", sub.last.Expiry)
		}
	}},
	{"what has expired is not sent", "3.3.2-5", "", func(s *stage) {
		pub := s.publisher(mqtt.V5)
		pub.publishPacket(mqtt.Publish{Topic: "~/r", QoS: 1, HasExpiry: true, Expiry: 1, Retain: true, Payload: []byte("x")})
		slow := s.join(mqtt.Connect{ReceiveMaximum: 1})
		slow.subscribe(mqtt.Subscription{Filter: "~/q", QoS: 1})
		pub.publish("~/q", "first", 1)
		pub.publishPacket(mqtt.Publish{Topic: "~/q", QoS: 1, HasExpiry: true, Expiry: 1, Payload: []byte("second")})
		pub.publish("~/q", "third", 1)
		slow.expect(`PUBLISH ~/q "first" q1`)
		s.wait(2)
		slow.send(&mqtt.Puback{PacketID: slow.last.PacketID})
		slow.expect(`PUBLISH ~/q "third" q1`)
		s.receives(s.subscriber(mqtt.V5, "~/r"))
	}},
}

// aliasScripts are about topic aliases, in both directions.
var aliasScripts = []script{
	{"an alias stands for its topic, until it is given another", "3.3.2-12", "", func(s *stage) {
		sub, pub := s.subscriber(mqtt.V5, "~/+"), s.publisher(mqtt.V5)
		most := pub.connack.TopicAliasMaximum
		alias := func(topic string, alias uint16, payload string) {
			pub.publishPacket(mqtt.Publish{Topic: topic, TopicAlias: alias, Payload: []byte(payload), QoS: 1})
		}
		alias("~/a", 1, "define")
		alias("", 1, "use")
		alias("~/b", most, "define the last")
		alias("", most, "use the last")
		alias("~/c", 1, "define anew")
		alias("", 1, "use anew")
		pub.publish("~/a", "without", 1)
		alias("", most, "use again")
		s.receives(sub,
			`PUBLISH ~/a "define" q1`, `PUBLISH ~/a "use" q1`, `PUBLISH ~/b "define the last" q1`,
			`PUBLISH ~/b "use the last" q1`, `PUBLISH ~/c "define anew" q1`, `PUBLISH ~/c "use anew" q1`,
			`PUBLISH ~/a "without" q1`, `PUBLISH ~/b "use again" q1`)
	}},
	{"no alias is sent to a client that takes none", "3.1.2-27", "", func(s *stage) {
		sub, pub := s.subscriber(mqtt.V5, "~"), s.publisher(mqtt.V5)
		for range 3 {
			pub.publish("~", "x", 0)
			sub.message()
			if sub.last.TopicAlias != 0 {
				s.Fatalf("topic alias %d", sub.last.TopicAlias)
			}
		}
	}},
	{"aliases to a client that takes them, none above its maximum", "3.1.2-26 3.3.2-8 3.3.2-11", "", func(s *stage) {
		sub, pub := s.join(mqtt.Connect{TopicAliasMaximum: 2}), s.publisher(mqtt.V5)
		sub.subscribe(mqtt.Subscription{Filter: "~/+", QoS: 1})
		sub.auto = true
		known := map[uint16]string{}
		for i := range 20 {
			topic := fmt.Sprintf("%s/%d", s.word, i%5)
			pub.publish(topic, "x", byte(i%2))
			m := sub.any()
			switch {
			case m.TopicAlias > 2:
				s.Fatalf("topic alias %d", m.TopicAlias)
			case m.TopicAlias != 0 && m.Topic != "":
				known[m.TopicAlias] = m.Topic
			case m.TopicAlias != 0:
				m.Topic = known[m.TopicAlias]
			}
			if m.Topic != topic {
				s.Fatalf("got topic %q and alias %d, want %q", m.Topic, m.TopicAlias, topic)
			}
		}
		if len(known) != 2 {
			s.Errorf("%d aliases of 2 were used", len(known))
		}
	}},
	{"an alias is not known to 3.1.1 subscribers", "", "", func(s *stage) {
		sub, pub := s.subscriber(mqtt.V311, "~"), s.publisher(mqtt.V5)
		pub.send(&mqtt.Publish{Topic: "~", TopicAlias: 1}, &mqtt.Publish{TopicAlias: 1})
		s.receives(sub, `PUBLISH ~ ""`, `PUBLISH ~ ""`)
	}},
}
