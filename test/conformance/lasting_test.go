package conformance

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// forever is a session expiry or a will delay that no test lives to see, in seconds.
const forever = 3600

// lasting is a CONNECT that takes up the session of the script's client ~, or begins it.
func lasting(v mqtt.Version) mqtt.Connect {
	return mqtt.Connect{Version: v, ClientID: "~", SessionExpiry: forever}
}

// returns connects a client whose session must be there.
func (s *stage) returns(c mqtt.Connect) *peer {
	s.Helper()
	p := s.connect(c)
	p.gets("CONNACK present")
	return p
}

// begins connects a client whose session must not be there.
func (s *stage) begins(c mqtt.Connect) *peer {
	s.Helper()
	p := s.connect(c)
	p.gets("CONNACK")
	return p
}

// leave ends the connection in good order.
func (p *peer) leave() {
	p.s.Helper()
	p.send(&mqtt.Disconnect{})
	p.gets("closed")
}

// sleeper is a client that has subscribed at QoS 2 in a session that lasts, and has gone.
func (s *stage) sleeper(v mqtt.Version, filters ...string) {
	s.Helper()
	p := s.begins(lasting(v))
	for _, f := range filters {
		p.subscribe(mqtt.Subscription{Filter: f, QoS: 2})
	}
	p.leave()
}

// lastingScripts are about sessions that outlive their connections. 3.1 is left out where session present is looked
// at, which its CONNACK does not tell.
var lastingScripts = []script{
	{
		"the session goes on, after DISCONNECT and after a connection that broke",
		"3.1.2-5 3.1.2-6 3.1.2-23 3.1.4-4 3.2.2-3 4.1.0-1", "3.1.2-4 3.1.4-3 3.2.2-2 3.2.2-3 4.1.0-1 4.1.0-2",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
			p.leave()
			p = s.returns(lasting(v))
			p.hangUp()
			p = s.returns(lasting(v))
			s.publisher(v).publish("~", "x", 1)
			p.expect(`PUBLISH ~ "x" q1`)
		}),
	},
	{
		"a clean start ends the session before it", "3.1.2-4 3.1.4-4 3.2.2-2", "3.1.2-6 3.1.4-3 3.2.2-1",
		recent(func(s *stage, v mqtt.Version) {
			s.sleeper(v, "~")
			s.publisher(v).publish("~", "x", 1)
			c := lasting(v)
			c.CleanStart = true
			p := s.begins(c)
			s.receives(p)
			s.publisher(v).publish("~", "y", 1)
			s.receives(p) // its subscriptions have ended as well
			p.leave()
			if v == mqtt.V5 {
				p = s.returns(lasting(v)) // what began clean may last
			} else {
				p = s.begins(lasting(v)) // a clean session of 3.1.1 does not
			}
			s.receives(p)
		}),
	},
	{
		"what comes while the client is away is kept", "3.1.2-5 3.1.2-23 4.5.0-1", "3.1.2-4 3.1.2-5 4.5.0-1",
		recent(func(s *stage, v mqtt.Version) {
			s.sleeper(v, "~/#")
			pub := s.publisher(v)
			for i := range 6 {
				pub.publish(fmt.Sprintf("~/%d", i), "x", byte(1+i%2))
			}
			p := s.returns(lasting(v))
			p.expect(
				`PUBLISH ~/0 "x" q1`, `PUBLISH ~/1 "x" q2`, `PUBLISH ~/2 "x" q1`, `PUBLISH ~/3 "x" q2`,
				`PUBLISH ~/4 "x" q1`, `PUBLISH ~/5 "x" q2`,
			)
		}),
	},
	{
		"one order, away and there", "4.6.0-5 4.6.0-6", "4.6.0-5 4.6.0-6",
		recent(func(s *stage, v mqtt.Version) {
			s.sleeper(v, "~")
			pub := s.publisher(v)
			var want []string
			more := func() {
				for range 20 {
					i := len(want)
					pub.publish("~", fmt.Sprint(i), byte(1+i%2))
					want = append(want, fmt.Sprintf(`PUBLISH ~ "%d" q%d`, i, 1+i%2))
				}
			}
			more()
			p := s.connect(lasting(v))
			more()
			p.gets("CONNACK present")
			p.expect(want...)
		}),
	},
	{
		"PUBLISH is sent again, with DUP, its identifier and in order",
		"3.3.1-1 4.3.2-3 4.3.3-3 4.4.0-1", "2.3.1-3 3.3.1-1 4.3.2-1 4.3.3-1 4.4.0-1 4.6.0-1 4.6.0-6",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			pub := s.publisher(v)
			for i := range 4 {
				pub.publish("~", fmt.Sprint(i), byte(1+i%2))
			}
			p.expect(`PUBLISH ~ "0" q1`, `PUBLISH ~ "1" q2`, `PUBLISH ~ "2" q1`, `PUBLISH ~ "3" q2`)
			for range 2 {
				p.hangUp()
				before := p.seen
				p = s.returns(lasting(v))
				p.expect(`PUBLISH ~ "0" q1 dup`, `PUBLISH ~ "1" q2 dup`, `PUBLISH ~ "2" q1 dup`, `PUBLISH ~ "3" q2 dup`)
				p.sameIdentifiers(before)
			}
		}),
	},
	{
		"PUBREL is sent again, and PUBLISH no more", "4.3.3-5 4.3.3-6 4.4.0-1", "2.3.1-3 4.3.3-1 4.4.0-1",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			s.publisher(v).publish("~", "x", 2)
			p.message()
			id := p.last.PacketID
			p.send(&mqtt.Pubrec{PacketID: id})
			p.gets("PUBREL")
			for range 2 {
				p.hangUp()
				p = s.returns(lasting(v))
				p.getsPubrel(id)
			}
			p.send(&mqtt.Pubcomp{PacketID: id})
			p.ping()
			p.nothing()
			p.leave()
			p = s.returns(lasting(v))
			s.receives(p)
		}),
	},
	{
		"what was acknowledged in good order does not come again", "4.3.2-3 4.3.3-5 4.4.0-1", "4.3.2-1 4.3.3-1",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			pub := s.publisher(v)
			pub.publish("~", "0", 1)
			pub.publish("~", "1", 2)
			p.expect(`PUBLISH ~ "0" q1`, `PUBLISH ~ "1" q2`)
			p.send(&mqtt.Puback{PacketID: p.seen[0].PacketID}, &mqtt.Pubrec{PacketID: p.last.PacketID})
			p.gets("PUBREL")
			p.send(&mqtt.Pubcomp{PacketID: p.last.PacketID})
			p.leave()
			p = s.returns(lasting(v))
			s.receives(p)
		}),
	},
	{
		"what was refused does not come again", "4.4.0-2", "", func(s *stage) {
			p := s.begins(lasting(mqtt.V5))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			pub := s.publisher(mqtt.V5)
			pub.publish("~", "0", 1)
			pub.publish("~", "1", 2)
			p.expect(`PUBLISH ~ "0" q1`, `PUBLISH ~ "1" q2`)
			p.send(
				&mqtt.Puback{PacketID: p.seen[0].PacketID, Code: mqtt.UnspecifiedError},
				&mqtt.Pubrec{PacketID: p.last.PacketID, Code: mqtt.UnspecifiedError},
			)
			p.leave()
			p = s.returns(lasting(mqtt.V5))
			s.receives(p)
		},
	},
	{
		"QoS 2 from the client, each packet on a new connection", "4.3.3-10 4.3.3-11 4.3.3-12", "4.3.3-2",
		recent(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~")
			p := s.begins(lasting(v))
			m := mqtt.Publish{Topic: "~", Payload: []byte("once"), QoS: 2, PacketID: 7}
			p.send(&m)
			p.gets("PUBREC")
			for range 2 {
				p.hangUp()
				p = s.returns(lasting(v))
				m.Dup = true
				p.send(&m)
				p.gets("PUBREC")
			}
			for range 2 { // the second is for an identifier that is not known, which 3.1.1 does not tell
				p.hangUp()
				p = s.returns(lasting(v))
				p.send(&mqtt.Pubrel{PacketID: 7})
				if ack, ok := p.next().(*mqtt.Pubcomp); !ok || ack.PacketID != 7 {
					s.Fatalf("PUBREL is answered by %+v", ack)
				}
			}
			s.receives(sub, `PUBLISH ~ "once" q2`)
			m.Dup = false
			p.send(&m)
			p.gets("PUBREC")
			s.receives(sub, `PUBLISH ~ "once" q2`)
		}),
	},
	{
		"the receive maximum of the new connection counts", "3.3.4-9 4.4.0-1 4.9.0-1", "", func(s *stage) {
			p := s.begins(lasting(mqtt.V5))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
			pub := s.publisher(mqtt.V5)
			for i := range 3 {
				pub.publish("~", fmt.Sprint(i), 1)
			}
			p.expect(`PUBLISH ~ "0" q1`, `PUBLISH ~ "1" q1`, `PUBLISH ~ "2" q1`)
			p.hangUp()
			c := lasting(mqtt.V5)
			c.ReceiveMaximum = 1
			p = s.returns(c)
			for i := range 3 {
				p.expect(fmt.Sprintf(`PUBLISH ~ "%d" q1 dup`, i))
				p.ping()
				p.nothing()
				p.send(&mqtt.Puback{PacketID: p.last.PacketID})
			}
		},
	},
	{
		"subscriptions are kept with all that they said", "3.1.2-5 3.3.4-3 3.8.3-3 3.3.1-13", "", func(s *stage) {
			p := s.begins(lasting(mqtt.V5))
			p.subscribeAs(9, mqtt.Subscription{Filter: "~/a", QoS: 1, RetainAsPublished: true, NoLocal: true})
			p.subscribe(mqtt.Subscription{Filter: "~/b", QoS: 2})
			p.leave()
			p = s.returns(lasting(mqtt.V5))
			p.publish("~/a", "own", 1)
			pub := s.publisher(mqtt.V5)
			pub.retain("~/a", "x")
			pub.retain("~/a", "")
			pub.publish("~/b", "y", 2)
			p.expect(`PUBLISH ~/a "x" q1 retain id=9`, `PUBLISH ~/a "" q1 retain id=9`, `PUBLISH ~/b "y" q2`)
		},
	},
	{
		"no retained message comes for a session that goes on", "3.3.1-10", "3.1.2-4",
		recent(func(s *stage, v mqtt.Version) {
			s.publisher(v).retain("~", "x")
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~"})
			p.expect(`PUBLISH ~ "x" retain`)
			p.leave()
			s.receives(s.returns(lasting(v)))
			s.publisher(v).retain("~", "")
		}),
	},
	{
		"UNSUBSCRIBE holds on", "3.10.4-1 3.10.4-2", "3.10.4-1 3.10.4-2",
		recent(func(s *stage, v mqtt.Version) {
			p := s.begins(lasting(v))
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
			p.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"~"}})
			p.next()
			p.leave()
			s.publisher(v).publish("~", "x", 1)
			s.receives(s.returns(lasting(v)))
		}),
	},
	{
		"a newer connection takes the session over", "3.1.3-2 3.1.4-3 4.4.0-1", "3.1.3-2 3.1.4-2 4.4.0-1",
		recent(func(s *stage, v mqtt.Version) {
			old := s.begins(lasting(v))
			old.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
			pub := s.publisher(v)
			for i := range 5 {
				pub.publish("~", fmt.Sprint(i), 1)
				old.expect(fmt.Sprintf(`PUBLISH ~ "%d" q1`, i))
				p := s.returns(lasting(v))
				old.refused("8e")
				p.expect(fmt.Sprintf(`PUBLISH ~ "%d" q1 dup`, i))
				p.send(&mqtt.Puback{PacketID: p.last.PacketID})
				p.ping()
				old = p
			}
		}),
	},
	{
		"a session of one version goes on in the other", "3.1.2-5", "3.1.2-4", func(s *stage) {
			s.sleeper(mqtt.V311, "~")
			s.publisher(mqtt.V5).publish("~", "x", 1)
			p := s.returns(lasting(mqtt.V5))
			p.expect(`PUBLISH ~ "x" q1`)
			p.hangUp()
			p = s.returns(lasting(mqtt.V311))
			p.expect(`PUBLISH ~ "x" q1 dup`)
		},
	},
	{
		"sessions belong to their client identifiers", "3.1.3-2", "3.1.3-2",
		recent(func(s *stage, v mqtt.Version) {
			s.sleeper(v, "~")
			s.publisher(v).publish("~", "x", 1)
			other := lasting(v)
			other.ClientID = "~other"
			s.receives(s.begins(other))
			s.returns(lasting(v)).expect(`PUBLISH ~ "x" q1`)
		}),
	},
	{
		"no session is present in a CONNACK that refuses", "3.2.2-6", "3.2.2-4",
		recent(func(s *stage, v mqtt.Version) {
			s.sleeper(v, "~")
			c := lasting(v)
			c.HasUsername, c.Username = true, "nobody"
			s.connect(c).gets("CONNACK 86", "closed")
			s.returns(lasting(v))
		}),
	},
	{
		"retained messages outlive the session", "", "3.1.2-7", func(s *stage) {
			p := s.begins(lasting(mqtt.V311))
			p.retain("~", "x")
			p.leave()
			c := lasting(mqtt.V311)
			c.CleanStart = true
			s.begins(c).leave()
			s.receives(s.subscriber(mqtt.V311, "~"), `PUBLISH ~ "x" q1 retain`)
			s.publisher(mqtt.V311).retain("~", "")
		},
	},
}

// recent makes a script of one that plays in the versions whose CONNACK tells whether a session is present.
func recent(script func(s *stage, v mqtt.Version)) func(*stage) {
	return versions(script, mqtt.V311, mqtt.V5)
}

// sameIdentifiers checks that what came has the identifiers that it had before.
func (p *peer) sameIdentifiers(before []*mqtt.Publish) {
	p.s.Helper()
	for i, m := range before {
		if got := p.seen[i].PacketID; got != m.PacketID {
			p.s.Fatalf("message %d comes again as packet %d, it was %d", i, got, m.PacketID)
		}
	}
}

// getsPubrel checks that PUBREL comes with this identifier.
func (p *peer) getsPubrel(id uint16) {
	p.s.Helper()
	packet := p.next()
	if pubrel, ok := packet.(*mqtt.Pubrel); !ok || pubrel.PacketID != id || pubrel.Code.Failed() {
		p.s.Fatalf("got %s, want PUBREL of packet %d", p.describe(packet), id)
	}
}
