package conformance

import (
	"github.com/foxmq/foxmq/internal/mqtt"
)

// expiryScripts are about when sessions and what they hold end, MQTT 5 alone.
var expiryScripts = []script{
	{
		"a session ends when its expiry has passed, and not before", "3.1.2-23 4.1.0-1 4.1.0-2", "", func(s *stage) {
			c := lasting(mqtt.V5)
			c.SessionExpiry = unhurried
			p := s.begins(c)
			p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
			s.wait(unhurried + 1) // while the connection is there, nothing runs out
			p.hangUp()
			p = s.returns(c)
			p.leave()
			s.wait(unhurried + 1)
			s.publisher(mqtt.V5).publish("~", "x", 1)
			s.receives(s.begins(c))
		},
	},
	{"DISCONNECT changes the expiry", "3.1.2-23 4.1.0-2", "", func(s *stage) {
		p := s.begins(lasting(mqtt.V5))
		p.send(&mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: 0})
		p.gets("closed")
		p = s.begins(lasting(mqtt.V5))
		p.send(&mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: 1})
		p.gets("closed")
		s.wait(3)
		c := lasting(mqtt.V5)
		c.SessionExpiry = 1
		p = s.begins(c)
		p.send(&mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: forever})
		p.gets("closed")
		s.wait(3)
		s.returns(c)
	}},
	{"a session that is taken up for no time ends with the connection", "3.1.2-5 4.1.0-2", "", func(s *stage) {
		s.sleeper(mqtt.V5, "~")
		s.publisher(mqtt.V5).publish("~", "x", 1)
		c := lasting(mqtt.V5)
		c.SessionExpiry = 0
		p := s.returns(c)
		p.expect(`PUBLISH ~ "x" q1`)
		p.leave()
		s.receives(s.begins(c))
	}},
	{"a message that expires while the client is away does not come", "3.3.2-5", "", func(s *stage) {
		s.sleeper(mqtt.V5, "~")
		pub := s.publisher(mqtt.V5)
		short := mqtt.Publish{Topic: "~", Payload: []byte("short"), QoS: 1, HasExpiry: true, Expiry: 1}
		long := mqtt.Publish{Topic: "~", Payload: []byte("long"), QoS: 1, HasExpiry: true, Expiry: forever}
		pub.publishPacket(short)
		pub.publishPacket(long)
		s.wait(3)
		p := s.returns(lasting(mqtt.V5))
		p.expect(`PUBLISH ~ "long" q1 expires`)
		if e := p.last.Expiry; e >= forever-1 || e < forever-100 { // [MQTT-3.3.2-6]
			s.Errorf("expiry is %d of %d", e, forever)
		}
	}},
	{"what has been sent does not expire, but comes again", "4.3.3-7 4.4.0-1", "", func(s *stage) {
		p := s.begins(lasting(mqtt.V5))
		p.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
		s.publisher(mqtt.V5).publishPacket(mqtt.Publish{Topic: "~", QoS: 2, HasExpiry: true, Expiry: 1})
		p.message()
		before := p.seen
		p.hangUp()
		s.wait(3)
		p = s.returns(lasting(mqtt.V5))
		p.message()
		p.sameIdentifiers(before)
		p.send(&mqtt.Pubrec{PacketID: p.last.PacketID})
		p.gets("PUBREL")
	}},
	{"what is too large for the client counts as completed", "3.1.2-24 3.1.2-25", "", func(s *stage) {
		s.sleeper(mqtt.V5, "~")
		pub := s.publisher(mqtt.V5)
		pub.publish("~", string(make([]byte, 300)), 1)
		pub.publish("~", "small", 1)
		c := lasting(mqtt.V5)
		c.MaximumPacketSize = 128
		p := s.returns(c)
		p.expect(`PUBLISH ~ "small" q1`)
		p.send(&mqtt.Puback{PacketID: p.last.PacketID})
		p.leave()
		s.receives(s.returns(lasting(mqtt.V5)))
	}},
	{"an expiry above the server's is cut, and the client told", "3.1.2-23", "", func(s *stage) {
		c := lasting(mqtt.V5)
		c.SessionExpiry = 0xffffffff
		p := s.connect(c)
		p.accepted()
		const week = 7 * 24 * 3600
		if !p.connack.HasSessionExpiry || p.connack.SessionExpiry != week {
			s.Errorf("CONNACK %+v does not say that the session expires in a week", p.connack)
		}
		c.SessionExpiry = week
		p = s.connect(c)
		if got := p.next().(*mqtt.Connack); got.HasSessionExpiry || !got.SessionPresent {
			s.Errorf("CONNACK %+v changes an expiry that the server can keep", got)
		}
	}},
	{"a session with an identifier of the server's", "3.1.3-6 3.1.3-7 3.2.2-16", "", func(s *stage) {
		p := s.connect(mqtt.Connect{SessionExpiry: forever})
		p.accepted()
		p.subscribe(mqtt.Subscription{Filter: "~", QoS: 1})
		p.leave()
		s.publisher(mqtt.V5).publish("~", "x", 1)
		c := mqtt.Connect{SessionExpiry: forever, ClientID: p.connack.AssignedClientID}
		p = s.returns(c)
		p.expect(`PUBLISH ~ "x" q1`)
		p.send(&mqtt.Disconnect{HasSessionExpiry: true})
		p.gets("closed")
		s.begins(c)
	}},
}
