package conformance

import (
	"github.com/foxmq/foxmq/internal/mqtt"
)

// flowScripts are about acknowledgements.
var flowScripts = []script{
	{
		"acknowledgements carry the identifier",
		"2.2.1-5 3.3.4-1 4.3.2-4 4.3.3-8 4.3.3-11", "2.3.1-6 3.3.4-1 4.3.2-2 4.3.3-2",
		inVersions(func(s *stage, v mqtt.Version) {
			p := s.publisher(v)
			for _, id := range []uint16{1, 300, 65535} {
				p.send(&mqtt.Publish{Topic: "~", QoS: 1, PacketID: id})
				if ack, ok := p.next().(*mqtt.Puback); !ok || ack.PacketID != id {
					s.Fatalf("PUBLISH %d is answered by %+v", id, ack)
				}
				p.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: id})
				if ack, ok := p.next().(*mqtt.Pubrec); !ok || ack.PacketID != id {
					s.Fatalf("PUBLISH %d is answered by %+v", id, ack)
				}
				p.send(&mqtt.Pubrel{PacketID: id})
				if ack, ok := p.next().(*mqtt.Pubcomp); !ok || ack.PacketID != id {
					s.Fatalf("PUBREL %d is answered by %+v", id, ack)
				}
			}
		}),
	},
	{
		"a repeat at QoS 2 is answered and not delivered",
		"4.3.3-10 4.3.3-12", "4.3.3-2",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, p := s.subscriber(v, "~"), s.publisher(v)
			for _, dup := range []bool{false, true, true, false} {
				p.send(&mqtt.Publish{Topic: "~", Payload: []byte("once"), QoS: 2, PacketID: 9, Dup: dup})
				p.gets("PUBREC")
			}
			p.send(&mqtt.Pubrel{PacketID: 9})
			p.gets("PUBCOMP")
			s.receives(sub, `PUBLISH ~ "once" q2`)
			p.send(&mqtt.Publish{Topic: "~", Payload: []byte("anew"), QoS: 2, PacketID: 9})
			p.gets("PUBREC")
			s.receives(sub, `PUBLISH ~ "anew" q2`)
		}),
	},
	{"an identifier that was refused at QoS 2 is a new message", "3.5.2-1 4.3.3-9", "", func(s *stage) {
		sub, p := s.subscriber(mqtt.V5, "~"), s.publisher(mqtt.V5)
		p.send(&mqtt.Publish{Topic: "$SYS/~", QoS: 2, PacketID: 5})
		p.gets("PUBREC 87")
		p.send(&mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 2, PacketID: 5, Dup: true})
		p.gets("PUBREC")
		p.send(&mqtt.Pubrel{PacketID: 5})
		p.gets("PUBCOMP")
		s.receives(sub, `PUBLISH ~ "x" q2`)
	}},
	{"what has been sent does not expire", "4.3.3-7 4.3.3-13", "", func(s *stage) {
		sub, pub := s.receiver(mqtt.V5, 2), s.publisher(mqtt.V5)
		pub.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: 5, HasExpiry: true, Expiry: 1})
		pub.gets("PUBREC")
		sub.message()
		s.wait(2)
		sub.send(&mqtt.Pubrec{PacketID: sub.last.PacketID})
		sub.gets("PUBREL")
		sub.send(&mqtt.Pubcomp{PacketID: sub.last.PacketID})
		sub.ping()
		pub.send(&mqtt.Publish{Topic: "~", QoS: 2, PacketID: 5, Dup: true})
		pub.gets("PUBREC")
		pub.send(&mqtt.Pubrel{PacketID: 5})
		pub.gets("PUBCOMP")
		s.receives(sub)
	}},
	{"a repeat at QoS 1 is a new message", "4.3.2-5", "4.3.2-2", inVersions(func(s *stage, v mqtt.Version) {
		sub, p := s.subscriber(v, "~"), s.publisher(v)
		p.publishPacket(mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 1})
		p.send(&mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 1, PacketID: 1, Dup: true})
		p.gets("PUBACK")
		s.receives(sub, `PUBLISH ~ "x" q1`, `PUBLISH ~ "x" q1`)
	})},
	{
		"PUBREL with an unknown identifier, and twice",
		"3.7.2-1 4.3.3-11", "4.3.3-2",
		versions(func(s *stage, v mqtt.Version) {
			p := s.publisher(v)
			unknown := "PUBCOMP 92"
			if v != mqtt.V5 {
				unknown = "PUBCOMP"
			}
			p.send(&mqtt.Pubrel{PacketID: 77})
			p.gets(unknown)
			p.publish("~", "x", 2)
			p.send(&mqtt.Pubrel{PacketID: 1})
			p.gets(unknown)
			p.ping()
		}, mqtt.V311, mqtt.V5),
	},
	{"PUBREC, PUBACK and PUBCOMP with unknown identifiers", "3.6.2-1", "", versions(func(s *stage, v mqtt.Version) {
		p := s.publisher(v)
		p.send(&mqtt.Pubrec{PacketID: 77})
		if v == mqtt.V5 {
			p.gets("PUBREL 92")
		} else {
			p.gets("PUBREL")
		}
		p.send(&mqtt.Puback{PacketID: 77}, &mqtt.Pubcomp{PacketID: 77})
		p.ping()
	}, mqtt.V311, mqtt.V5)},
	{
		"PUBREC is answered by PUBREL, also when repeated",
		"2.2.1-5 3.6.1-1 3.6.2-1 4.3.3-4 4.3.3-5 4.3.3-6", "2.3.1-6 3.6.1-1 4.3.3-1",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.receiver(v, 2)
			s.publisher(v).publish("~", "x", 2)
			sub.message()
			id := sub.last.PacketID
			for range 2 {
				sub.send(&mqtt.Pubrec{PacketID: id})
				sub.gets("PUBREL")
			}
			sub.send(&mqtt.Pubcomp{PacketID: id})
			sub.ping()
		}),
	},
	{"a PUBREC that refuses ends the message", "4.3.3-4 4.4.0-2", "", func(s *stage) {
		sub := s.receiver(mqtt.V5, 2)
		s.publisher(mqtt.V5).publish("~", "x", 2)
		sub.message()
		sub.send(&mqtt.Pubrec{PacketID: sub.last.PacketID, Code: mqtt.QuotaExceeded})
		sub.ping()
		sub.send(&mqtt.Pubrec{PacketID: sub.last.PacketID})
		sub.gets("PUBREL 92")
	}},
	{"a PUBACK that refuses ends the message", "4.4.0-2", "", func(s *stage) {
		sub := s.receiver(mqtt.V5, 1)
		s.publisher(mqtt.V5).publish("~", "x", 1)
		sub.message()
		sub.send(&mqtt.Puback{PacketID: sub.last.PacketID, Code: mqtt.UnspecifiedError})
		s.receives(sub)
	}},
	{
		"the wrong acknowledgement",
		"4.3.2-3 4.3.3-3 4.13.1-1", "4.3.2-1 4.3.3-1 4.8.0-1",
		inVersions(func(s *stage, v mqtt.Version) {
			for _, wrong := range []struct {
				qos byte
				ack func(id uint16) mqtt.Packet
			}{
				{1, func(id uint16) mqtt.Packet { return &mqtt.Pubrec{PacketID: id} }},
				{1, func(id uint16) mqtt.Packet { return &mqtt.Pubcomp{PacketID: id} }},
				{2, func(id uint16) mqtt.Packet { return &mqtt.Puback{PacketID: id} }},
				{2, func(id uint16) mqtt.Packet { return &mqtt.Pubcomp{PacketID: id} }},
			} {
				sub := s.receiver(v, wrong.qos)
				s.publisher(v).publish("~", "x", 2)
				sub.message()
				sub.send(wrong.ack(sub.last.PacketID))
				sub.refused("82")
			}
		}),
	},
	{"identifiers are apart for each direction", "2.2.1-4", "2.3.1-4", inVersions(func(s *stage, v mqtt.Version) {
		p := s.receiver(v, 2)
		s.publisher(v).publish("~", "x", 2)
		p.message()
		id := p.last.PacketID
		p.send(&mqtt.Publish{Topic: "~/else", QoS: 2, PacketID: id})
		p.gets("PUBREC")
		p.send(&mqtt.Pubrec{PacketID: id})
		p.gets("PUBREL")
		p.send(&mqtt.Pubrel{PacketID: id})
		p.gets("PUBCOMP")
		p.send(&mqtt.Pubcomp{PacketID: id})
		p.ping()
	})},
	{"PUBREL follows the order of PUBREC", "2.2.1-5 4.3.3-4", "4.6.0-4", inVersions(func(s *stage, v mqtt.Version) {
		sub, pub := s.receiver(v, 2), s.publisher(v)
		const n = 5
		for range n {
			pub.publish("~", "x", 2)
		}
		for range n {
			sub.message()
		}
		for _, m := range sub.seen {
			sub.send(&mqtt.Pubrec{PacketID: m.PacketID})
		}
		for _, m := range sub.seen {
			if pubrel, ok := sub.next().(*mqtt.Pubrel); !ok || pubrel.PacketID != m.PacketID {
				s.Fatalf("got %+v, want PUBREL of %d", pubrel, m.PacketID)
			}
		}
	})},
	{
		"PUBACK and PUBREC follow the order of PUBLISH",
		"3.3.4-1", "4.6.0-2 4.6.0-3",
		inVersions(func(s *stage, v mqtt.Version) {
			p := s.publisher(v)
			const n = 50
			for id := range uint16(n) {
				p.send(&mqtt.Publish{Topic: "~", QoS: byte(1 + id/7%2), PacketID: id + 1})
			}
			for id := range uint16(n) {
				var got uint16
				switch ack := p.next().(type) {
				case *mqtt.Puback:
					got = ack.PacketID
				case *mqtt.Pubrec:
					got = ack.PacketID
				}
				if got != id+1 {
					s.Fatalf("PUBLISH %d is answered after PUBLISH %d", got, id)
				}
			}
		}),
	},
	{"nothing is sent again on the same connection", "4.4.0-1", "", inVersions(func(s *stage, v mqtt.Version) {
		sub := s.receiver(v, 1)
		s.publisher(v).publish("~", "x", 1)
		s.receives(sub, `PUBLISH ~ "x" q1`)
		s.receives(sub)
	})},
	{
		"identifiers to the client are never 0 nor in use",
		"2.2.1-4 4.3.2-1 4.3.2-2 4.3.3-1 4.3.3-2", "2.3.1-1 2.3.1-4 4.3.2-1 4.3.3-1",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, pub := s.receiver(v, 2), s.publisher(v)
			seen := map[uint16]bool{0: true}
			for range 20 {
				pub.publish("~", "x", 1)
			}
			for range 20 {
				sub.message()
				if seen[sub.last.PacketID] {
					s.Fatalf("packet identifier %d", sub.last.PacketID)
				}
				seen[sub.last.PacketID] = true
			}
		}),
	},
}

// receiver is a subscriber that acknowledges nothing by itself.
func (s *stage) receiver(v mqtt.Version, qos byte) *peer {
	s.Helper()
	p := s.join(mqtt.Connect{Version: v})
	p.subscribe(mqtt.Subscription{Filter: "~", QoS: qos})
	return p
}
