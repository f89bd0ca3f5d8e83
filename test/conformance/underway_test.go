package conformance

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// underWayScripts are about what is neither sent for the first time nor done, in sessions that last.
var underWayScripts = []script{
	{
		"what is not acknowledged comes again, and that alone", "4.3.2-3 4.4.0-1", "4.3.2-1 4.4.0-1 4.6.0-1",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
			pub := s.publisher(v)
			for i := range 5 {
				pub.publish("~", fmt.Sprint(i), 1)
				p.message()
			}
			for _, i := range []int{3, 0, 2} {
				p.send(&mqtt.Puback{PacketID: p.seen[i].PacketID})
			}
			p.leave()
			s.receives(s.returns(lasting(v)), `PUBLISH ~ "1" q1 dup`, `PUBLISH ~ "4" q1 dup`)
		}),
	},
	{
		"what was under way when its subscription ended comes again", "3.10.4-3 4.4.0-1", "3.10.4-3 4.4.0-1",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			s.publisher(v).publish("~", "x", 2)
			p.message()
			p.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"~"}})
			p.next()
			p.leave()
			s.publisher(v).publish("~", "y", 2)
			s.receives(s.returns(lasting(v)), `PUBLISH ~ "x" q2 dup`)
		}),
	},
	{
		"a retained message comes again as a retained one", "3.3.1-1 3.3.1-9 4.4.0-1", "3.3.1-1 3.3.1-8 4.4.0-1",
		recent(func(s *stage, v mqtt.Version) {
			s.publisher(v).retain("~", "x")
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
			p.expect(`PUBLISH ~ "x" q1 retain`)
			s.publisher(v).retain("~", "") // which changes nothing of what is under way
			p.expect(`PUBLISH ~ "" q1`)
			p.hangUp()
			s.receives(s.returns(lasting(v)), `PUBLISH ~ "x" q1 retain dup`, `PUBLISH ~ "" q1 dup`)
		}),
	},
	{
		"what waited behind the window follows what comes again", "4.3.3-2 4.4.0-1 4.6.0-5", "", func(s *stage) {
			c := lasting(mqtt.V5)
			c.ReceiveMaximum = 2
			p := s.begins(c)
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			pub := s.publisher(mqtt.V5)
			for i := range 4 {
				pub.publish("~", fmt.Sprint(i), 2)
			}
			p.expect(`PUBLISH ~ "0" q2`, `PUBLISH ~ "1" q2`)
			p.send(&mqtt.Pubrec{PacketID: p.seen[0].PacketID})
			p.gets("PUBREL")
			p.leave() // else the takeover may come before what the end of the connection says
			before := p.seen
			p = s.returns(lasting(mqtt.V5))
			p.getsPubrel(before[0].PacketID)
			p.expect(`PUBLISH ~ "1" q2 dup`, `PUBLISH ~ "2" q2`, `PUBLISH ~ "3" q2`)
			p.sameIdentifiers(before[1:])
		},
	},
	{"what waited behind the window may still expire", "3.3.2-5", "", func(s *stage) {
		c := lasting(mqtt.V5)
		c.ReceiveMaximum = 1
		p := s.begins(c)
		p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
		pub := s.publisher(mqtt.V5)
		short := mqtt.Publish{Topic: "~", Payload: []byte("sent"), QoS: 1, HasExpiry: true, Expiry: 1}
		pub.publishPacket(short)
		p.message()
		short.Payload = []byte("waiting")
		pub.publishPacket(short)
		pub.publish("~", "last", 1)
		p.leave()
		s.wait(2)
		p = s.returns(lasting(mqtt.V5))
		p.message()
		if string(p.last.Payload) != "sent" || !p.last.Dup {
			s.Fatalf("got %s", p.describe(p.last))
		}
		p.expect(`PUBLISH ~ "last" q1`)
	}},
	{
		"an acknowledgement counts on the connection that came later", "4.3.2-3 4.3.3-4 4.4.0-1", "4.3.2-1 4.3.3-1",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			pub := s.publisher(v)
			pub.publish("~", "0", 1)
			pub.publish("~", "1", 2)
			p.expect(`PUBLISH ~ "0" q1`, `PUBLISH ~ "1" q2`)
			first := p.seen
			p.hangUp()
			p = s.returns(lasting(v))
			p.send(&mqtt.Puback{PacketID: first[0].PacketID}, &mqtt.Pubrec{PacketID: first[1].PacketID})
			p.gets("PUBREL")
			p.leave()
			p = s.returns(lasting(v))
			p.getsPubrel(first[1].PacketID)
			p.send(&mqtt.Pubcomp{PacketID: first[1].PacketID})
			p.leave()
			s.receives(s.returns(lasting(v)))
		}),
	},
	{
		"both directions have their own identifiers, across connections", "2.2.1-3 2.2.1-4 4.4.0-1", "2.3.1-3 2.3.1-4 4.4.0-1",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			s.publisher(v).publish("~", "x", 2)
			p.message()
			id := p.last.PacketID
			p.send(&mqtt.Publish{Topic: "~/own", QoS: 2, PacketID: id})
			p.gets("PUBREC")
			p.hangUp()
			p = s.returns(lasting(v))
			p.expect(`PUBLISH ~ "x" q2 dup`)
			p.send(&mqtt.Pubrel{PacketID: id})
			p.gets("PUBCOMP")
			p.send(&mqtt.Pubrec{PacketID: id})
			p.gets("PUBREL")
			p.send(&mqtt.Pubcomp{PacketID: id})
			p.leave()
			s.receives(s.returns(lasting(v)))
		}),
	},
	{
		"QoS 1 that the client sends again is a new message", "4.3.2-5", "4.3.2-2",
		recent(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~")
			p := s.begins(lasting(v))
			m := mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 1, PacketID: 3}
			p.send(&m)
			p.gets("PUBACK")
			p.hangUp()
			p = s.returns(lasting(v))
			m.Dup = true
			p.send(&m)
			p.gets("PUBACK")
			s.receives(sub, `PUBLISH ~ "x" q1`, `PUBLISH ~ "x" q1`)
		}),
	},
	{
		"a clean start forgets what was under way, both ways", "3.1.2-4 4.3.3-12", "3.1.2-6",
		recent(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~/own")
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			s.publisher(v).publish("~", "x", 2)
			p.message()
			m := mqtt.Publish{Topic: "~/own", Payload: []byte("y"), QoS: 2, PacketID: 4}
			p.send(&m)
			p.gets("PUBREC")
			c := lasting(v)
			c.CleanStart = true
			fresh := s.begins(c) // while the older connection is still there
			p.refused("8e")
			fresh.send(&m)
			fresh.gets("PUBREC")
			fresh.send(&mqtt.Pubrel{PacketID: 4})
			fresh.gets("PUBCOMP")
			s.receives(sub, `PUBLISH ~/own "y" q2`, `PUBLISH ~/own "y" q2`)
			s.receives(fresh)
		}),
	},
	{
		"while away the lower QoS counts, and QoS 0 is not kept", "3.8.4-8 4.5.0-1", "3.1.2-5 3.8.4-6",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~/0"}, mqtt.Subscription{Filter: "~/1", QoS: 1})
			p.leave()
			pub := s.publisher(v)
			for i := range byte(3) {
				pub.publish("~/0", fmt.Sprint(i), i)
				pub.publish("~/1", fmt.Sprint(i), i)
			}
			s.settle(s.subscriber(v))
			s.receives(s.returns(lasting(v)), `PUBLISH ~/1 "1" q1`, `PUBLISH ~/1 "2" q1`)
		}),
	},
	{
		"many come in order, whatever was acknowledged", "4.6.0-5 4.6.0-6", "4.6.0-1 4.6.0-6", recent(takeTurns),
	},
}

// takeTurns reads a few of many messages on each of many connections.
func takeTurns(s *stage, v mqtt.Version) {
	s.sleeper(v, "~")
	pub := s.publisher(v)
	const n, each = 60, 10
	for i := range n {
		pub.publish("~", fmt.Sprint(i), byte(1+i%2))
	}
	for next := 0; next < n; next += each {
		p := s.returns(lasting(v))
		for i := next; i < next+each; i++ {
			p.message()
			if got := string(p.last.Payload); got != fmt.Sprint(i) {
				s.Fatalf("message %s came where %d should", got, i)
			}
			p.finish(p.last)
		}
		p.leave()
	}
	s.receives(s.returns(lasting(v)))
}

// finish acknowledges a message to the end.
func (p *peer) finish(m *mqtt.Publish) {
	p.s.Helper()
	if m.QoS == 1 {
		p.send(&mqtt.Puback{PacketID: m.PacketID})
		return
	}
	p.send(&mqtt.Pubrec{PacketID: m.PacketID})
	p.getsPubrel(m.PacketID)
	p.send(&mqtt.Pubcomp{PacketID: m.PacketID})
}
