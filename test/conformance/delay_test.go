package conformance

import (
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// delayed is a CONNECT with a will that waits, in a session that lasts, both for so many seconds.
func delayed(delay, expiry uint32) mqtt.Connect {
	c := lasting(mqtt.V5)
	c.SessionExpiry = expiry
	c.Will = &mqtt.Will{Topic: "~", Payload: died, Delay: delay}
	return c
}

// unhurried is how many seconds something lasts that must not be over before a client is back.
const unhurried = 5

// notBefore checks that something takes so many seconds at least. How much longer it takes is for the machine to say.
func (s *stage) notBefore(seconds int, something func()) {
	s.Helper()
	start := time.Now()
	something()
	if took := time.Since(start); took < time.Duration(seconds)*time.Second {
		s.Errorf("it took %v, not %d s", took, seconds)
	}
}

// delayScripts are about wills that wait, MQTT 5 alone.
var delayScripts = []script{
	{"a will goes when its delay is over, and once", "3.1.2-7 3.1.2-8 3.1.2-10", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		p := s.begins(delayed(2, forever))
		s.notBefore(2, func() {
			p.hangUp()
			sub.expect(`PUBLISH ~ "died"`)
		})
		c := lasting(mqtt.V5)
		c.CleanStart = true
		s.begins(c)
		s.receives(sub)
	}},
	{"a will goes when the session ends before the delay", "3.1.2-8 4.1.0-2", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		p := s.begins(delayed(forever, 2))
		s.notBefore(2, func() {
			p.hangUp()
			sub.expect(`PUBLISH ~ "died"`)
		})
	}},
	{"a connection within the delay takes the will back", "3.1.2-8 3.1.3-9", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		s.begins(delayed(unhurried, forever)).hangUp()
		s.returns(lasting(mqtt.V5))
		s.wait(unhurried + 1)
		s.receives(sub)
	}},
	{"a connection that takes over takes the will back", "3.1.3-9 3.1.4-3", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		old := s.begins(delayed(2, forever))
		s.returns(lasting(mqtt.V5))
		old.refused("8e")
		s.wait(4)
		s.receives(sub)
	}},
	{"a connection that takes over does not take back a will without delay", "3.1.2-8 3.1.4-3", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		old := s.begins(delayed(0, forever))
		s.returns(lasting(mqtt.V5))
		old.refused("8e")
		sub.expect(`PUBLISH ~ "died"`)
		s.receives(sub)
	}},
	{"a clean start ends the session, and its will goes at once", "3.1.2-4 3.1.2-8", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		s.begins(delayed(forever, forever)).hangUp()
		s.receives(sub)
		c := lasting(mqtt.V5)
		c.CleanStart = true
		s.begins(c)
		sub.expect(`PUBLISH ~ "died"`)
	}},
	{"DISCONNECT takes a will back that would wait", "3.1.2-10 3.14.4-3", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		s.begins(delayed(1, forever)).leave()
		s.wait(3)
		s.receives(sub)
	}},
	{"DISCONNECT with 0x04 starts the delay", "3.1.2-8", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		p := s.begins(delayed(2, forever))
		s.notBefore(2, func() {
			p.send(&mqtt.Disconnect{Code: mqtt.DisconnectWithWill})
			p.gets("closed")
			sub.expect(`PUBLISH ~ "died"`)
		})
	}},
	{"DISCONNECT that ends the session does not wait for the delay", "3.1.2-8 4.1.0-2", "", func(s *stage) {
		sub := s.subscriber(mqtt.V5, "~")
		p := s.begins(delayed(forever, forever))
		p.send(&mqtt.Disconnect{Code: mqtt.DisconnectWithWill, HasSessionExpiry: true})
		p.gets("closed")
		sub.expect(`PUBLISH ~ "died"`)
	}},
	{"a lasting session of 3.1.1 has a will without delay", "", "3.1.2-8 3.1.2-10", func(s *stage) {
		sub := s.subscriber(mqtt.V311, "~")
		c := lasting(mqtt.V311)
		c.Will = &mqtt.Will{Topic: "~", Payload: died, QoS: 1}
		s.begins(c).hangUp()
		sub.expect(`PUBLISH ~ "died" q1`)
		s.returns(lasting(mqtt.V311)).hangUp()
		s.receives(sub)
	}},
}
