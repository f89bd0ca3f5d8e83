package conformance

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

var publishScripts = []script{
	{
		"each QoS to each QoS",
		"3.3.4-1 3.8.4-7 3.8.4-8 4.3.1-1 4.3.3-4 4.3.3-11 4.5.0-1", "3.3.4-1 3.8.4-6 4.3.1-1 4.3.2-1 4.3.3-1 4.5.0-1",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v)
			for qos := range byte(3) {
				sub.subscribe(mqtt.Subscription{Filter: fmt.Sprintf("~/%d/+", qos), QoS: qos})
			}
			pub := s.publisher(v)
			var want []string
			for granted := range byte(3) {
				for qos := range byte(3) {
					topic := fmt.Sprintf("~/%d/%d", granted, qos)
					pub.publish(topic, "x", qos)
					line := fmt.Sprintf("PUBLISH %s %q", topic, "x")
					if lower := min(granted, qos); lower > 0 {
						line += fmt.Sprintf(" q%d", lower)
					}
					want = append(want, line)
				}
			}
			s.receives(sub, want...)
		}),
	},
	{
		"one order across levels of QoS",
		"4.6.0-5 4.6.0-6", "4.6.0-5 4.6.0-6",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, pub := s.subscriber(v, "~/#"), s.publisher(v)
			var want []string
			for i := range 60 {
				m := mqtt.Publish{Topic: fmt.Sprintf("~/%d", i%5), Payload: fmt.Append(nil, i), QoS: byte(i % 3)}
				if m.QoS > 0 {
					m.PacketID = pub.id()
				}
				pub.send(&m)
				line := fmt.Sprintf("PUBLISH %s %q", m.Topic, m.Payload)
				if m.QoS > 0 {
					line += fmt.Sprintf(" q%d", m.QoS)
				}
				want = append(want, line)
			}
			for range 20 {
				pub.next()
				pub.next()
			}
			s.receives(sub, want...)
		}),
	},
	{
		"a client that publishes at 5 is heard at 3.1.1, and the other way round",
		"", "",
		versions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(mqtt.V5+mqtt.V311-v, "~")
			s.publisher(v).publish("~", "x", 2)
			s.receives(sub, `PUBLISH ~ "x" q2`)
		}, mqtt.V311, mqtt.V5),
	},
	{"payloads: none, binary, long", "", "", inVersions(func(s *stage, v mqtt.Version) {
		sub, pub := s.subscriber(v, "~"), s.publisher(v)
		var want []string
		for _, payload := range []string{"", "\x00\xff\xfe", string(make([]byte, 200_000))} {
			pub.publish("~", payload, 1)
			want = append(want, fmt.Sprintf("PUBLISH ~ %q q1", payload))
		}
		s.receives(sub, want...)
	})},
	{
		"RETAIN and DUP do not travel on",
		"3.3.1-3 3.3.1-12", "3.3.1-3 3.3.1-9",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, pub := s.subscriber(v, "~"), s.publisher(v)
			pub.send(&mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 1, PacketID: 7, Dup: true, Retain: true})
			pub.gets("PUBACK")
			s.receives(sub, `PUBLISH ~ "x" q1`)
			pub.retain("~", "")
		}),
	},
	{"text that is unusual", "1.5.4-3 4.7.3-4", "1.5.3-3 4.7.3-4", inVersions(func(s *stage, v mqtt.Version) {
		sub, pub := s.subscriber(v, "~/#"), s.publisher(v)
		for _, name := range []string{"~/\ufeff", "~/ ", "~//", "~/😀", "~/\U0010ffff", "~/\x01"} {
			pub.publish(name, "x", 1)
			s.receives(sub, fmt.Sprintf(`PUBLISH %s "x" q1`, name))
		}
	})},
	{"a payload that claims to be text must be (3.3.2.3.2)", "", "", func(s *stage) {
		sub, pub := s.subscriber(mqtt.V5, "~"), s.publisher(mqtt.V5)
		for _, c := range []struct {
			format  byte
			payload string
			qos     byte
			answer  string
		}{
			{1, "ü\x00", 1, "PUBACK"},
			{0, "\xff", 1, "PUBACK"},
			{1, "\xff", 1, "PUBACK 99"},
			{1, "\xed\xa0\x80", 2, "PUBREC 99"},
		} {
			forward := []byte{1, c.format}
			pub.send(&mqtt.Publish{Topic: "~", Payload: []byte(c.payload), QoS: c.qos, PacketID: pub.id(), Forward: forward})
			pub.gets(c.answer)
		}
		s.receives(sub, `PUBLISH ~ "ü\x00" q1`, `PUBLISH ~ "\xff" q1`)
		pub.send(&mqtt.Publish{Topic: "~", Payload: []byte("\xff"), Forward: []byte{1, 1}})
		pub.refused("99")
		will := &mqtt.Will{Topic: "~", Payload: []byte{0xff}, Forward: []byte{1, 1}}
		s.connect(mqtt.Connect{Will: will}).gets("CONNACK 99", "closed")
	}},
}

// notText are strings that no UTF-8 encoded string of MQTT may be.
var notText = []string{
	"a\x00b",       // U+0000
	"\xff", "\xfe", // no UTF-8 at all
	"a\x80",            // a continuation byte alone
	"\xc0\xaf",         // overlong
	"\xe0\x80\xaf",     // overlong
	"\xed\xa0\x80",     // a surrogate
	"\xed\xbf\xbf",     // a surrogate
	"\xf4\x90\x80\x80", // above U+10FFFF
	"\xf8\x88\x80\x80\x80",
	"\xe2\x82", // cut
}
