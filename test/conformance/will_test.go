package conformance

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// died is a will's payload.
var died = []byte("died")

var willScripts = []script{
	{
		"each QoS, retained or not, when the connection is lost",
		"3.1.2-7 3.1.2-8 3.1.2-14 3.1.2-15", "3.1.2-8 3.1.2-16 3.1.2-17",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~/+")
			for qos := range byte(3) {
				for _, retain := range []bool{false, true} {
					topic := fmt.Sprintf("~/%d%v", qos, retain)
					s.join(mqtt.Connect{Version: v, ClientID: "~w", Will: &mqtt.Will{
						Topic: topic, Payload: died, QoS: qos, Retain: retain,
					}}).hangUp()
					want := fmt.Sprintf("PUBLISH %s %q", topic, died)
					if qos > 0 {
						want += fmt.Sprintf(" q%d", qos)
					}
					sub.expect(want)
					if !retain {
						s.receives(s.subscriber(v, topic))
						continue
					}
					s.receives(s.subscriber(v, topic), want+" retain")
					s.publisher(v).retain(topic, "")
					sub.message()
				}
			}
		}),
	},
	{
		"none after DISCONNECT",
		"3.1.2-8 3.1.2-10 3.14.4-3", "3.1.2-10 3.14.4-3",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~")
			for range 20 {
				p := s.join(withWill(v))
				p.send(&mqtt.Disconnect{})
				p.gets("closed")
			}
			s.join(withWill(v)) // when it is in, the others have ended
			s.receives(sub)
		}),
	},
	{
		"none after DISCONNECT, when the client does not wait",
		"3.14.4-3", "3.14.4-3",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~")
			for range 20 {
				p := s.joinAt(0, withWill(v)) // another node cannot know of a goodbye that is under way
				p.send(&mqtt.Disconnect{})
				p.conn.Close()
			}
			s.joinAt(0, withWill(v))
			s.receives(sub)
		}),
	},
	{"after DISCONNECT with 0x04, and any other code but 0", "3.1.2-8", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		for _, code := range []mqtt.ReasonCode{4, 0x80, 0x81, 0x93, 0x98} {
			p := s.join(withWill(mqtt.V5))
			p.send(&mqtt.Disconnect{Code: code})
			p.gets("closed")
			sub.expect(`PUBLISH ~ "died"`)
		}
	}},
	{"after an error of the client's", "3.1.2-7 3.1.2-8", "3.1.2-8", inVersions(func(s *stage, v mqtt.Version) {
		sub := s.subscriber(v, "~")
		p := s.join(withWill(v))
		p.hex("00 00")
		p.refused("81")
		sub.expect(`PUBLISH ~ "died"`)
	})},
	{"after keep alive has run out", "3.1.2-8 3.1.2-22", "3.1.2-8 3.1.2-24", inVersions(func(s *stage, v mqtt.Version) {
		sub := s.subscriber(v, "~")
		c := withWill(v)
		c.KeepAlive = 1
		s.join(c)
		sub.expect(`PUBLISH ~ "died"`)
	})},
	{
		"when the client connects again elsewhere",
		"3.1.2-10 3.1.4-3", "3.1.2-8 3.1.2-10",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~")
			first := s.join(withWill(v))
			second := s.join(withWill(v))
			first.refused("8e")
			sub.expect(`PUBLISH ~ "died"`)
			second.send(&mqtt.Disconnect{})
			second.gets("closed")
			s.join(withWill(v))
			s.receives(sub) // once, and not for the second
		}),
	},
	{"behind what the client published before", "4.6.0-5", "4.6.0-6", inVersions(func(s *stage, v mqtt.Version) {
		sub := s.subscriber(v, "~", "~/last")
		p := s.join(withWill(v))
		var want []string
		for i := range 50 {
			p.send(&mqtt.Publish{Topic: "~/last", Payload: fmt.Append(nil, i)})
			want = append(want, fmt.Sprintf(`PUBLISH ~/last "%d"`, i))
		}
		p.hex("00 00")
		sub.expect(append(want, `PUBLISH ~ "died"`)...)
	})},
	{"a delay ends with the session, which ends with the connection", "3.1.2-8", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		c := withWill(mqtt.V5)
		c.Will.Delay = 3600
		s.join(c).hangUp()
		sub.expect(`PUBLISH ~ "died"`)
	}},
	{"its expiry counts from its publication", "", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		c := withWill(mqtt.V5)
		c.Will.HasExpiry, c.Will.Expiry = true, 500
		s.join(c).hangUp()
		sub.expect(`PUBLISH ~ "died" expires`)
		if e := sub.last.Expiry; e > 500 || e < 400 {
			s.Errorf("expiry is %d of 500", e)
		}
	}},
	{"none without a will", "", "3.1.2-12", inVersions(func(s *stage, v mqtt.Version) {
		sub := s.subscriber(mqtt.V5, "#")
		s.join(mqtt.Connect{Version: v, ClientID: "~w"}).hangUp()
		s.join(mqtt.Connect{Version: v, ClientID: "~w"})
		s.receives(sub)
	})},
	{"none of a client that was not let in", "3.1.2-8", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		c := withWill(mqtt.V5)
		c.AuthMethod = "unknown"
		s.connect(c).gets("CONNACK 8c", "closed")
		s.receives(sub)
	}},
}

func withWill(v mqtt.Version) mqtt.Connect {
	return mqtt.Connect{Version: v, ClientID: "~w", Will: &mqtt.Will{Topic: "~", Payload: died}}
}
