package conformance

import (
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// refuseSubscribeScripts are about what a subscriber must not do.
var refuseSubscribeScripts = []script{
	{"UNSUBSCRIBE of what is no filter", "", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"~/#/a", "", "~+", "~"}})
		p.gets("UNSUBACK 8f 8f 8f 11")
	}},
	{
		"filters that are none",
		"4.7.1-1 4.7.1-2 4.7.3-1", "4.7.1-2 4.7.1-3 4.7.3-1",
		inVersions(func(s *stage, v mqtt.Version) {
			p := s.publisher(v)
			code := "8f"
			if v != mqtt.V5 {
				code = "80"
			}
			deep := strings.Repeat("/", 300)
			for _, filter := range []string{"~/#/a", "~#", "~+", "~/+a", "#/~", "", "~/a#", "++", "##", "~/##", deep} {
				p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: filter}}})
				p.gets("SUBACK " + code)
			}
		}),
	},
	{
		"filters that are not text",
		"1.5.4-1 1.5.4-2 3.8.3-1 3.10.3-1 4.7.3-2", "1.5.3-1 1.5.3-2 3.8.3-1 3.10.3-1 4.7.3-2",
		inVersions(func(s *stage, v mqtt.Version) {
			for _, filter := range notText {
				p := s.publisher(v)
				p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: filter}}})
				p.refused("81")
				p = s.publisher(v)
				p.send(&mqtt.Unsubscribe{PacketID: 1, Filters: []string{filter}})
				p.refused("81")
			}
		}),
	},
	{"no filter", "3.8.3-2 3.10.3-2", "3.8.3-3 3.10.3-2", inVersions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.send(&mqtt.Subscribe{PacketID: 1})
		p.refused("82")
		p = s.publisher(v)
		p.send(&mqtt.Unsubscribe{PacketID: 1})
		p.refused("82")
	})},
	{"packet identifier 0", "2.2.1-3", "2.3.1-1", inVersions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.send(&mqtt.Subscribe{Subscriptions: []mqtt.Subscription{{Filter: "~"}}})
		p.refused("82")
		p = s.publisher(v)
		p.send(&mqtt.Unsubscribe{Filters: []string{"~"}})
		p.refused("82")
	})},
	{"wrong flags", "2.1.3-1 3.8.1-1 3.10.1-1", "2.2.2-2 3.8.1-1 3.10.1-1", inVersions(func(s *stage, v mqtt.Version) {
		for _, first := range []byte{0x80, 0x81, 0x83, 0x86, 0xa0, 0xa1} {
			p := s.publisher(v)
			p.framed(first, "00 01 00 01 61 00")
			p.refused("81")
		}
	})},
	{"wrong options in 3.1.1", "", "3.8.3-4", func(s *stage) {
		for _, options := range []byte{3, 4, 8, 0x10, 0x40, 0x80, 0xff} {
			p := s.publisher(mqtt.V311)
			p.bytes(frame(0x82, append([]byte{0, 1, 0, 1, 'a'}, options)))
			p.refused("81")
		}
	}},
	{"wrong options", "3.8.3-5", "", func(s *stage) {
		for options, code := range map[byte]string{0x03: "82", 0x30: "82", 0x40: "81", 0x80: "81", 0xc1: "81"} {
			p := s.publisher(mqtt.V5)
			p.bytes(frame(0x82, append([]byte{0, 1, 0, 0, 1, 'a'}, options)))
			p.refused(code)
		}
	}},
	{"no local on a shared subscription", "3.8.3-4", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "$share/g/~"}, {Filter: "~"}}})
		p.gets("SUBACK 00 00")
		p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "$share/g/~", NoLocal: true}}})
		p.refused("82")
	}},
	{"wrong subscription identifiers", "1.5.5-1 4.13.1-1", "", func(s *stage) {
		for hex, code := range map[string]string{
			"02 0b 00": "82", "04 0b 01 0b 02": "82", "06 0b 80 80 80 80 01": "81", "03 0b 80 00": "81", "01 0b": "81",
		} {
			p := s.publisher(mqtt.V5)
			p.framed(0x82, "00 01 "+hex+" 00 01 61 00")
			p.refused(code)
		}
	}},
}
