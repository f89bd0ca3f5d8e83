package conformance

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

var retainScripts = []script{
	{
		"set, replaced, cleared",
		"3.3.1-5 3.3.1-6 3.3.1-7 3.3.1-8", "3.3.1-5 3.3.1-6 3.3.1-8 3.3.1-10 3.3.1-11 3.3.1-12",
		inVersions(func(s *stage, v mqtt.Version) {
			pub := s.publisher(v)
			pub.retain("~", "one")
			s.receives(s.subscriber(v, "~"), `PUBLISH ~ "one" q1 retain`)
			pub.retain("~", "two")
			pub.publish("~", "passing", 1) // not retained: it changes nothing
			s.receives(s.subscriber(v, "~"), `PUBLISH ~ "two" q1 retain`)
			pub.retain("~", "")
			s.receives(s.subscriber(v, "~"))
			pub.retain("~", "") // what is not there can be cleared
		}),
	},
	{
		"an empty message that is not retained clears nothing",
		"3.3.1-8", "3.3.1-12",
		inVersions(func(s *stage, v mqtt.Version) {
			pub := s.publisher(v)
			pub.retain("~", "one")
			pub.publish("~", "", 1)
			s.receives(s.subscriber(v, "~"), `PUBLISH ~ "one" q1 retain`)
			pub.retain("~", "")
		}),
	},
	{
		"at each QoS, delivered at the lower one",
		"3.3.1-5 3.8.4-8", "3.3.1-5 3.3.1-7 3.3.1-8 3.8.4-6",
		inVersions(func(s *stage, v mqtt.Version) {
			pub := s.publisher(v)
			for qos := range byte(3) {
				pub.publishPacket(mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: qos, Retain: true})
				pub.ping()
				for granted := range byte(3) {
					sub := s.subscriber(v)
					s.settle(sub)
					sub.subscribe(mqtt.Subscription{Filter: "~", QoS: granted})
					want := `PUBLISH ~ "x"`
					if lower := min(qos, granted); lower > 0 {
						want += fmt.Sprintf(" q%d", lower)
					}
					s.receives(sub, want+" retain")
				}
			}
			pub.retain("~", "")
		}),
	},
	{
		"the clearing message goes to whom is there, like any other",
		"3.3.1-6", "3.3.1-9 3.3.1-10",
		inVersions(func(s *stage, v mqtt.Version) {
			pub, sub := s.publisher(v), s.subscriber(v, "~")
			pub.retain("~", "x")
			pub.retain("~", "")
			s.receives(sub, `PUBLISH ~ "x" q1`, `PUBLISH ~ "" q1`)
		}),
	},
	{
		"subscribing again sends them again",
		"3.3.1-9 3.8.4-3 3.8.4-4", "3.8.4-3",
		inVersions(func(s *stage, v mqtt.Version) {
			pub, sub := s.publisher(v), s.subscriber(v, "~")
			pub.retain("~", "x")
			s.receives(sub, `PUBLISH ~ "x" q1`)
			sub.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
			s.receives(sub, `PUBLISH ~ "x" q1 retain`)
			pub.retain("~", "")
		}),
	},
	{
		"nothing is lost while a subscription is replaced", "3.8.4-3 3.8.4-4", "3.8.4-3",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, pub := s.subscriber(v, "~"), s.publisher(v)
			var want []string
			for i := range 100 {
				pub.send(&mqtt.Publish{Topic: "~", Payload: fmt.Append(nil, i), QoS: 1, PacketID: pub.id()})
				sub.subscribe(mqtt.Subscription{Filter: "~", QoS: 2})
				want = append(want, fmt.Sprintf(`PUBLISH ~ "%d" q1`, i))
			}
			for range want {
				pub.gets("PUBACK")
			}
			s.receives(sub, want...)
		}),
	},
	{"many, then what comes later, in this order", "", "", func(s *stage) {
		pub := s.publisher(mqtt.V5)
		const n = 150
		for i := range n {
			pub.retain(fmt.Sprintf("~/%03d", i), "x")
		}
		sub := s.subscriber(mqtt.V5, "~/+")
		pub.publish("~/live", "x", 1)
		for i := range n {
			sub.expect(fmt.Sprintf(`PUBLISH ~/%03d "x" q1 retain`, i))
		}
		sub.expect(`PUBLISH ~/live "x" q1`)
		for i := range n {
			pub.retain(fmt.Sprintf("~/%03d", i), "")
		}
	}},
	{"they stay when their publisher has gone", "", "3.1.2-7", func(s *stage) {
		pub := s.publisher(mqtt.V5)
		pub.retain("~", "x")
		pub.hangUp()
		s.receives(s.subscriber(mqtt.V5, "~"), `PUBLISH ~ "x" q1 retain`)
		s.publisher(mqtt.V5).retain("~", "")
	}},
}
