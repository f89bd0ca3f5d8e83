package conformance

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

var subscribeScripts = []script{
	{
		"SUBACK has a code for each filter, in their order",
		"2.2.1-6 3.8.4-1 3.8.4-2 3.8.4-5 3.8.4-6 3.8.4-7 3.9.3-1 3.9.3-2",
		"2.3.1-7 3.8.4-1 3.8.4-2 3.8.4-4 3.8.4-5 3.9.3-1 3.9.3-2",
		inVersions(func(s *stage, v mqtt.Version) {
			p := s.publisher(v)
			p.send(&mqtt.Subscribe{PacketID: 65535, Subscriptions: []mqtt.Subscription{
				{Filter: "~/a", QoS: 2}, {Filter: "~/b"}, {Filter: "~/#/c"}, {Filter: "~/c", QoS: 1}, {Filter: "~/a"},
			}})
			invalid := "8f"
			if v != mqtt.V5 {
				invalid = "80"
			}
			packet := p.next()
			if got, want := p.describe(packet), "SUBACK 02 00 "+invalid+" 01 00"; got != want {
				s.Fatalf("got %s, want %s", got, want)
			}
			if id := packet.(*mqtt.Suback).PacketID; id != 65535 {
				s.Errorf("packet identifier %d", id)
			}
			s.publisher(v).publish("~/a", "x", 2)
			s.receives(p, `PUBLISH ~/a "x"`) // the later of two equal filters holds
		}),
	},
	{"a filter again replaces the subscription", "3.8.4-3", "3.8.4-3", inVersions(func(s *stage, v mqtt.Version) {
		sub, pub := s.subscriber(v, "~", "~"), s.publisher(v)
		pub.publish("~", "1", 2)
		s.receives(sub, `PUBLISH ~ "1" q2`)
		sub.subscribe(mqtt.Subscription{Filter: "~"})
		pub.publish("~", "2", 2)
		s.receives(sub, `PUBLISH ~ "2"`)
	})},
	{
		"overlapping subscriptions: once, at the highest QoS",
		"3.3.4-2", "3.3.5-1",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v)
			sub.subscribe(
				mqtt.Subscription{Filter: "~/#"}, mqtt.Subscription{Filter: "~/+", QoS: 2},
				mqtt.Subscription{Filter: "~/a", QoS: 1},
			)
			s.publisher(v).publish("~/a", "x", 2)
			s.receives(sub, `PUBLISH ~/a "x" q2`)
		}),
	},
	{
		"UNSUBSCRIBE",
		"2.2.1-6 3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-5 3.10.4-6 3.11.3-1 3.11.3-2",
		"2.3.1-7 3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-5 3.10.4-6",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, pub := s.subscriber(v, "~/+", "~/a", "~/b"), s.publisher(v)
			sub.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"~/+", "~/c", "~/b", "~/+"}})
			want := "UNSUBACK"
			if v == mqtt.V5 {
				want = "UNSUBACK 00 11 00 11"
			}
			unsuback, ok := sub.next().(*mqtt.Unsuback)
			if !ok || unsuback.PacketID != 9 || sub.describe(unsuback) != want {
				s.Fatalf("got %+v, want %s for packet 9", unsuback, want)
			}
			for _, topic := range []string{"~/a", "~/b", "~/c"} {
				pub.publish(topic, "x", 1)
			}
			s.receives(sub, `PUBLISH ~/a "x" q1`)
		}),
	},
	{
		"UNSUBSCRIBE compares filters letter by letter",
		"3.10.4-1 3.10.4-5", "3.10.4-1 3.10.4-5",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.subscriber(v, "~/#")
			sub.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"~/+", "~/a", "#"}})
			sub.next()
			s.publisher(v).publish("~/a", "x", 1)
			s.receives(sub, `PUBLISH ~/a "x" q1`)
		}),
	},
	{
		"what was sent before UNSUBSCRIBE is completed",
		"3.10.4-3", "3.10.4-3",
		inVersions(func(s *stage, v mqtt.Version) {
			sub := s.receiver(v, 2)
			s.publisher(v).publish("~", "x", 2)
			sub.message()
			sub.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"~"}})
			sub.next()
			sub.send(&mqtt.Pubrec{PacketID: sub.last.PacketID})
			sub.gets("PUBREL")
			sub.send(&mqtt.Pubcomp{PacketID: sub.last.PacketID})
			sub.ping()
		}),
	},
	{"many filters at once", "", "", func(s *stage) {
		p := s.subscriber(mqtt.V5)
		many := make([]mqtt.Subscription, 2000)
		for i := range many {
			many[i] = mqtt.Subscription{Filter: fmt.Sprintf("~/%d", i), QoS: byte(i % 3)}
		}
		p.subscribe(many...)
		s.publisher(mqtt.V5).publish("~/1999", "x", 2)
		s.receives(p, `PUBLISH ~/1999 "x" q1`)
	}},
}

// optionScripts are about subscription options and identifiers, MQTT 5 alone.
var optionScripts = []script{
	{"no local", "3.8.3-3", "", func(s *stage) {
		p, other := s.subscriber(mqtt.V5), s.publisher(mqtt.V5)
		p.subscribe(mqtt.Subscription{Filter: "~/a", QoS: 1, NoLocal: true}, mqtt.Subscription{Filter: "~/b", QoS: 1})
		for _, topic := range []string{"~/a", "~/b"} {
			p.publish(topic, "own", 1)
			other.publish(topic, "other", 1)
		}
		s.receives(p, `PUBLISH ~/a "other" q1`, `PUBLISH ~/b "own" q1`, `PUBLISH ~/b "other" q1`)
		p.subscribe(mqtt.Subscription{Filter: "~/+"}) // which overlaps, and has not this option
		p.publish("~/a", "own", 1)
		s.receives(p, `PUBLISH ~/a "own"`)
	}},
	{"no local goes for retained messages too", "3.8.3-3", "", func(s *stage) {
		p, other := s.join(mqtt.Connect{ClientID: "~p"}), s.publisher(mqtt.V5)
		p.retain("~/own", "x")
		other.retain("~/other", "x")
		s.receives(p) // its node has all of them now
		p.subscribe(mqtt.Subscription{Filter: "~/+", NoLocal: true})
		s.receives(p, `PUBLISH ~/other "x" retain`)
		p.retain("~/own", "")
		p.retain("~/other", "")
	}},
	{"retain as published", "3.3.1-12 3.3.1-13", "", func(s *stage) {
		p, pub := s.subscriber(mqtt.V5), s.publisher(mqtt.V5)
		p.subscribe(mqtt.Subscription{Filter: "~/a", RetainAsPublished: true}, mqtt.Subscription{Filter: "~/b"})
		for _, topic := range []string{"~/a", "~/b"} {
			pub.publish(topic, "x", 1)
			pub.retain(topic, "y")
			pub.retain(topic, "")
		}
		s.receives(p, `PUBLISH ~/a "x"`, `PUBLISH ~/a "y" retain`, `PUBLISH ~/a "" retain`,
			`PUBLISH ~/b "x"`, `PUBLISH ~/b "y"`, `PUBLISH ~/b ""`)
	}},
	{"retain handling", "3.3.1-9 3.3.1-10 3.3.1-11", "", func(s *stage) {
		pub := s.publisher(mqtt.V5)
		pub.retain("~", "x")
		p := s.subscriber(mqtt.V5)
		again := func(handling byte, want ...string) {
			p.subscribe(mqtt.Subscription{Filter: "~", RetainHandling: handling})
			s.receives(p, want...)
		}
		got := `PUBLISH ~ "x" retain`
		again(2)
		again(1) // it is not new
		again(0, got)
		again(0, got)
		again(1)
		p.send(&mqtt.Unsubscribe{PacketID: 1, Filters: []string{"~"}})
		p.gets("UNSUBACK 00")
		again(1, got)
		pub.retain("~", "")
	}},
	{"subscription identifiers, of all that match", "3.3.4-3 3.3.4-4", "", func(s *stage) {
		p, pub := s.subscriber(mqtt.V5), s.publisher(mqtt.V5)
		p.subscribeAs(1, mqtt.Subscription{Filter: "~/+", QoS: 1})
		p.subscribeAs(268435455, mqtt.Subscription{Filter: "~/a"}, mqtt.Subscription{Filter: "~/b"})
		p.subscribe(mqtt.Subscription{Filter: "~/#"})
		pub.publish("~/c", "x", 1)
		s.receives(p, `PUBLISH ~/c "x" q1 id=1`)
		pub.publish("~/a", "x", 1)
		p.message()
		ids := p.last.SubscriptionIDs
		if len(ids) != 2 || ids[0]+ids[1] != 268435456 {
			s.Fatalf("subscription identifiers %d", ids)
		}
		p.subscribe(mqtt.Subscription{Filter: "~/+"}) // replaces the one with the identifier
		pub.publish("~/c", "x", 1)
		s.receives(p, `PUBLISH ~/c "x"`)
		p.subscribeAs(7, mqtt.Subscription{Filter: "~/+"})
		pub.publish("~/c", "x", 1)
		s.receives(p, `PUBLISH ~/c "x" id=7`)
	}},
	{"subscription identifiers of retained messages", "3.3.4-3", "", func(s *stage) {
		pub := s.publisher(mqtt.V5)
		pub.retain("~", "x")
		p := s.subscriber(mqtt.V5)
		p.subscribeAs(5, mqtt.Subscription{Filter: "~", QoS: 1})
		s.receives(p, `PUBLISH ~ "x" q1 retain id=5`)
		pub.retain("~", "")
	}},
}
