package conformance

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// refusePublishScripts are about what a publisher must not do.
var refusePublishScripts = []script{
	{
		"wrong topic names",
		"3.3.2-1 3.3.2-2 4.7.0-1 4.7.3-1", "3.3.2-1 3.3.2-2 4.7.1-1 4.7.3-1",
		inVersions(func(s *stage, v mqtt.Version) {
			for _, name := range []string{"~/+", "~/#", "#", "+", "~a+b", "~/#/b"} {
				p := s.publisher(v)
				p.send(&mqtt.Publish{Topic: name})
				p.refused("90")
			}
			p := s.publisher(v)
			p.send(&mqtt.Publish{})
			p.refused("82")
		}),
	},
	{
		"topic names that are not text",
		"1.5.4-1 1.5.4-2 3.3.2-1 4.7.3-2", "1.5.3-1 1.5.3-2 3.3.2-1 4.7.3-2",
		inVersions(func(s *stage, v mqtt.Version) {
			for _, name := range notText {
				p := s.publisher(v)
				p.send(&mqtt.Publish{Topic: name})
				p.refused("81")
			}
		}),
	},
	{"QoS 3", "3.3.1-4", "3.3.1-4", inVersions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.framed(0x36, "00 01 61 00 01 00")
		p.refused("81")
	})},
	{"DUP at QoS 0", "3.3.1-2", "3.3.1-2", inVersions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.framed(0x38, "00 01 61 00")
		p.refused("82")
	})},
	{"packet identifier 0", "2.2.1-3", "2.3.1-1", inVersions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.send(&mqtt.Publish{Topic: "~", QoS: 1})
		p.refused("82")
	})},
	{"the system's own topics cannot be published to", "3.4.2-1 3.5.2-1", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.send(&mqtt.Publish{Topic: "$SYS/~", QoS: 1, PacketID: 1}, &mqtt.Publish{Topic: "$SYS/~", QoS: 2, PacketID: 2})
		p.gets("PUBACK 87", "PUBREC 87")
		p.ping()
	}},
	{"the system tells of itself", "", "", inVersions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.subscribe(mqtt.Subscription{Filter: "$SYS/broker/cluster/#", QoS: 1})
		p.subscribe(mqtt.Subscription{Filter: "$SYS/broker/version"})
		told := map[string]string{}
		for len(told) < 8 { // what changes may come twice meanwhile
			m := p.any()
			told[m.Topic] = string(m.Payload)
		}
		node, members := fmt.Sprint(p.node), fmt.Sprint(len(s.cluster.Nodes))
		for name, want := range map[string]string{"node": node, "members": members, "quorum": "1"} {
			if got := told["$SYS/broker/cluster/"+name]; got != want {
				s.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for _, name := range []string{"cluster/peers", "cluster/round", "cluster/index", "cluster/hash", "version"} {
			if told["$SYS/broker/"+name] == "" {
				s.Errorf("nothing about %s in %v", name, told)
			}
		}
	})},
	{
		"wrong properties of PUBLISH",
		"1.5.5-1 1.5.7-1 3.3.2-8 3.3.2-13 3.3.2-14 3.3.2-19 3.3.4-6 4.13.1-1", "",
		func(s *stage) {
			for _, c := range []struct{ hex, code string }{
				{"02 01 02", "82"},                         // payload format 2
				{"04 01 00 01 00", "82"},                   // payload format twice
				{"0a 02 00 00 00 01 02 00 00 00 01", "82"}, // message expiry twice
				{"08 03 00 01 61 03 00 01 61", "82"},       // content type twice
				{"04 08 00 01 23", "90"},                   // response topic with a wildcard [3.3.2-14]
				{"03 08 00 00", "90"},                      // response topic empty
				{"04 08 00 01 ff", "81"},                   // response topic that is no text [3.3.2-13]
				{"04 03 00 01 00", "81"},                   // content type with U+0000 [3.3.2-19]
				{"07 26 00 01 ff 00 01 61", "81"},          // user property that is no text [1.5.7-1]
				{"07 26 00 01 61 00 01 ff", "81"},          // the same, its value
				{"02 0b 01", "82"},                         // subscription identifier [3.3.4-6]
				{"03 23 00 00", "94"},                      // topic alias 0 [3.3.2-8]
				{"06 23 00 01 23 00 01", "82"},             // topic alias twice
				{"05 11 00 00 00 01", "81"},                // a property of CONNECT
				{"02 7f 00", "81"},                         // no property
				{"03 81 00 00", "81"},                      // the same, not in its shortest form
				{"ff ff ff ff 7f", "81"},                   // property length of five bytes
				{"80 00", "81"},                            // property length not in its shortest form
			} {
				p := s.publisher(mqtt.V5)
				p.bytes(frame(0x30, append(text("a"), unhex(c.hex)...)))
				p.refused(c.code)
			}
		},
	},
	{"an alias above the maximum", "3.2.2-17 3.3.2-9", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.send(&mqtt.Publish{Topic: "~", TopicAlias: p.connack.TopicAliasMaximum + 1})
		p.refused("94")
	}},
	{"an alias that stands for nothing", "", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.send(&mqtt.Publish{TopicAlias: 2})
		p.refused("82")
	}},
	{"aliases end with their connection", "3.3.2-7", "", func(s *stage) {
		p := s.join(mqtt.Connect{ClientID: "~"})
		p.send(&mqtt.Publish{Topic: "~", TopicAlias: 1})
		p.ping()
		p.hangUp()
		p = s.join(mqtt.Connect{ClientID: "~"})
		p.send(&mqtt.Publish{TopicAlias: 1})
		p.refused("82")
	}},
	{"user properties everywhere are taken", "", "", func(s *stage) {
		all := mqtt.UserProperties{}.Add("a", "b").Add("a", "b")
		p := s.join(mqtt.Connect{UserProperties: all})
		p.auto = false
		p.send(&mqtt.Subscribe{PacketID: 1, UserProperties: all, Subscriptions: []mqtt.Subscription{{Filter: "~", QoS: 2}}})
		p.gets("SUBACK 02")
		p.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: 1})
		p.gets("PUBREC")
		p.send(&mqtt.Pubrel{PacketID: 1, UserProperties: all, ReasonString: "done"})
		p.gets("PUBCOMP")
		p.message()
		p.send(&mqtt.Pubrec{PacketID: p.last.PacketID, UserProperties: all, ReasonString: "fine"})
		p.gets("PUBREL")
		p.send(&mqtt.Pubcomp{PacketID: p.last.PacketID, UserProperties: all})
		p.send(&mqtt.Unsubscribe{PacketID: 1, Filters: []string{"~"}, UserProperties: all})
		p.gets("UNSUBACK 00")
		p.send(&mqtt.Disconnect{UserProperties: all, ReasonString: "bye"})
		p.gets("closed")
	}},
	{"3.1.1 knows no receive maximum", "", "", func(s *stage) {
		p := s.publisher(mqtt.V311)
		for id := range uint16(2000) {
			p.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: id + 1})
		}
		for range 2000 {
			p.gets("PUBREC")
		}
	}},
	{"the server's receive maximum", "3.3.4-7 4.9.0-1", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		// At QoS 2 a message is under way until PUBREL, so the number is exact.
		most := p.connack.ReceiveMaximum
		for id := range most {
			p.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: id + 1})
		}
		for range most {
			p.gets("PUBREC")
		}
		p.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: 1, Dup: true}) // no new one
		p.gets("PUBREC")
		p.send(&mqtt.Publish{Topic: "~"}) // QoS 0 does not count
		p.send(&mqtt.Pubrel{PacketID: 1})
		p.gets("PUBCOMP")
		p.send(&mqtt.Publish{Topic: "~", QoS: 1, PacketID: 1}) // there is room for one again
		p.gets("PUBACK")
		p.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: 1})
		p.gets("PUBREC")
		p.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: most + 1})
		p.refused("93")
	}},
	{"no packet is too large for the client, not even CONNACK", "3.1.2-24 3.2.2-19 3.14.2-3", "", func(s *stage) {
		for limit := range uint32(60) {
			p := s.dialAt(s.node(), mqtt.V5, int(limit)+1)
			p.send(&mqtt.Connect{Version: mqtt.V5, MaximumPacketSize: limit + 1, CleanStart: true})
			packet := p.next()
			if connack, ok := packet.(*mqtt.Connack); !ok || connack.Code != mqtt.Success {
				if got := p.describe(packet); got != "closed" && got != "CONNACK 95" {
					s.Fatalf("limit %d: got %s", limit+1, got)
				}
				continue
			}
			many := make([]mqtt.Subscription, 200)
			for i := range many {
				many[i].Filter = fmt.Sprint(i)
			}
			p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: many})
			p.refused("95")
		}
	}},
	{"a packet that says it is too large is not waited for", "", "", inVersions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.hex("30 ff ff ff 7f")
		p.refused("95")
	})},
}
