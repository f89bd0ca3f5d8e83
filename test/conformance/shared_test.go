package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// member is a client of the group g of the script's topic. It acknowledges nothing by itself.
func (s *stage) member(v mqtt.Version, qos byte) *peer {
	s.Helper()
	p := s.join(mqtt.Connect{Version: v})
	p.subscribe(mqtt.Subscription{Filter: "$share/g/~", QoS: qos})
	return p
}

// share returns the payloads of the script's topic that came to each of the members.
func (s *stage) share(members ...*peer) (all [][]string) {
	s.Helper()
	for _, p := range members {
		s.settle(p)
		all = append(all, p.payloads())
	}
	return all
}

// sharedScripts are about shared subscriptions.
var sharedScripts = []script{
	{
		"each message goes to one member, in order", "4.6.0-5 4.8.2-1", "", versions(func(s *stage, v mqtt.Version) {
			a, b := s.member(v, 1), s.member(v, 1)
			other := s.subscriber(mqtt.V5, "$share/h/~", "~")
			pub := s.publisher(v)
			for i := range 20 {
				pub.publish("~", fmt.Sprintf("%02d", i), 1)
			}
			got := s.share(a, b)
			both := slices.Concat(got...)
			if slices.Sort(both); len(slices.Compact(both)) != 20 || len(both) != 20 {
				s.Fatalf("got %q of 20 messages", got)
			}
			for _, mine := range got {
				if len(mine) == 0 || !slices.IsSorted(mine) {
					s.Fatalf("got %q", got)
				}
			}
			if n := len(s.settle(other)); n != 40 { // of its group, and of its own
				s.Fatalf("the other subscriber got %d messages of 40", n)
			}
		}, mqtt.V311, mqtt.V5),
	},
	{"the group's name and filter", "4.8.2-1 4.8.2-2", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		for _, filter := range []string{
			"$share/", "$share//~", "$share/g", "$share/g/", "$share/+/~", "$share/#/~", "$share/a+/~", "$share/a#b/~",
			"$share/g/~/#/a",
		} {
			p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: filter}}})
			p.gets("SUBACK 8f")
		}
		p.subscribe(mqtt.Subscription{Filter: "$share/ü $/~/+"}, mqtt.Subscription{Filter: "$shared/~/x"})
		s.publisher(mqtt.V5).publish("~/a", "x", 1)
		s.receives(p, `PUBLISH ~/a "x"`)
	}},
	{"no local is an error", "3.8.3-4 4.13.1-1", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{{Filter: "$share/g/~", NoLocal: true}}})
		p.refused("82")
	}},
	{"each member is sent at its QoS", "4.8.2-3", "", func(s *stage) {
		members := []*peer{s.member(mqtt.V5, 0), s.member(mqtt.V5, 1), s.member(mqtt.V5, 2)}
		pub := s.publisher(mqtt.V5)
		for i := range 12 {
			pub.publish("~", fmt.Sprint(i), 2)
		}
		total := 0
		for qos, p := range members {
			want := fmt.Sprintf(" q%d", qos)
			for _, got := range s.settle(p) {
				total++
				if qos > 0 && !strings.HasSuffix(got, want) || qos == 0 && !strings.HasSuffix(got, `"`) {
					s.Fatalf("got %s at QoS %d", got, qos)
				}
			}
		}
		if total != 12 {
			s.Fatalf("%d messages of 12 came", total)
		}
	}},
	{"retained messages are none of a group's business", "3.3.1-9", "", func(s *stage) {
		s.publisher(mqtt.V5).retain("~", "x")
		s.receives(s.member(mqtt.V5, 1))
		s.publisher(mqtt.V5).retain("~", "")
	}},
	{"QoS 1 of a member that has gone goes to another", "4.5.0-1", "", func(s *stage) {
		a, b := s.member(mqtt.V5, 1), s.member(mqtt.V5, 1)
		pub := s.publisher(mqtt.V5)
		for i := range 6 {
			pub.publish("~", fmt.Sprint(i), 1)
		}
		s.share(a, b)
		a.hangUp()
		for len(b.payloads()) < 6 { // what was under way to the other comes when its end is ordered
			b.message()
		}
		got := b.payloads()
		if slices.Sort(got); !slices.Equal(got, []string{"0", "1", "2", "3", "4", "5"}) {
			s.Fatalf("the member that stayed got %q", got)
		}
	}},
	{"QoS 2 is completed with its member", "4.8.2-4 4.4.0-1", "", func(s *stage) {
		p, rest := s.holder()
		before := p.last
		p.hangUp()
		p = s.returns(lasting(mqtt.V5))
		p.message()
		if p.last.PacketID != before.PacketID || !p.last.Dup {
			s.Fatalf("got %+v again", p.last)
		}
		p.send(&mqtt.Pubrec{PacketID: p.last.PacketID})
		p.gets("PUBREL")
		p.send(&mqtt.Pubcomp{PacketID: p.last.PacketID})
		p.ping()
		s.receives(rest)
	}},
	{"QoS 2 of a session that ends goes to no other", "4.8.2-5", "", func(s *stage) {
		p, rest := s.holder()
		p.hangUp()
		c := lasting(mqtt.V5)
		c.CleanStart = true
		p = s.begins(c)
		s.receives(rest)
		s.receives(p)
	}},
	{"what a member refuses goes to no other", "4.8.2-6 4.4.0-2", "", func(s *stage) {
		a, b := s.member(mqtt.V5, 2), s.member(mqtt.V5, 2)
		pub := s.publisher(mqtt.V5)
		for i := range 4 {
			pub.publish("~", fmt.Sprint(i), byte(1+i/2))
		}
		s.share(a, b)
		for _, p := range []*peer{a, b} {
			for _, m := range p.seen {
				switch m.QoS {
				case 1:
					p.send(&mqtt.Puback{PacketID: m.PacketID, Code: mqtt.UnspecifiedError})
				case 2:
					p.send(&mqtt.Pubrec{PacketID: m.PacketID, Code: mqtt.UnspecifiedError})
				}
			}
		}
		a.ping()
		a.hangUp()
		s.receives(b)
	}},
	{"UNSUBSCRIBE leaves the group", "3.10.4-1 3.10.4-2", "", func(s *stage) {
		a, b := s.member(mqtt.V5, 1), s.member(mqtt.V5, 1)
		a.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"~", "$share/h/~", "$share/g/~"}})
		a.gets("UNSUBACK 11 11 00")
		pub := s.publisher(mqtt.V5)
		pub.publish("~", "1", 1)
		pub.publish("~", "2", 1)
		s.receives(b, `PUBLISH ~ "1" q1`, `PUBLISH ~ "2" q1`)
		s.receives(a)
	}},
	{"a group sees no $ topics through a wildcard", "4.7.2-1", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.subscribe(mqtt.Subscription{Filter: "$share/~/#", QoS: 1}, mqtt.Subscription{Filter: "$share/~/$~/+", QoS: 1})
		pub := s.publisher(mqtt.V5)
		pub.publish("$~", "hidden", 1)
		pub.publish("$~/a", "asked for", 1)
		pub.publish("~", "seen", 1)
		s.receives(p, `PUBLISH $~/a "asked for" q1`, `PUBLISH ~ "seen" q1`)
	}},
	{"a member of two groups, and on its own account", "3.3.4-3 4.8.2-1", "", func(s *stage) {
		p := s.publisher(mqtt.V5)
		p.subscribeAs(1, mqtt.Subscription{Filter: "$share/g/~", QoS: 1})
		p.subscribeAs(2, mqtt.Subscription{Filter: "$share/h/+/a"}, mqtt.Subscription{Filter: "$share/h/~", QoS: 1})
		p.subscribeAs(3, mqtt.Subscription{Filter: "~", QoS: 1})
		s.publisher(mqtt.V5).publish("~", "x", 1)
		got := s.settle(p)
		slices.Sort(got)
		if want := []string{`PUBLISH ~ "x" q1 id=1`, `PUBLISH ~ "x" q1 id=2`, `PUBLISH ~ "x" q1 id=3`}; !slices.Equal(got, want) {
			s.Fatalf("got %q, want %q", got, want)
		}
	}},
	{"a lasting member returns to its group", "3.1.2-5 4.8.2-4", "", func(s *stage) {
		p := s.begins(lasting(mqtt.V5))
		p.subscribe(mqtt.Subscription{Filter: "$share/g/~", QoS: 1})
		p.leave()
		p = s.returns(lasting(mqtt.V5))
		s.publisher(mqtt.V5).publish("~", "x", 1)
		s.receives(p, `PUBLISH ~ "x" q1`)
	}},
	{"the last member goes, and takes its group along", "3.10.4-1 3.10.4-2", "", func(s *stage) {
		p := s.member(mqtt.V5, 1)
		p.send(&mqtt.Unsubscribe{PacketID: 9, Filters: []string{"$share/g/~"}})
		p.gets("UNSUBACK 00")
		s.publisher(mqtt.V5).publish("~", "to nobody", 1)
		s.receives(s.member(mqtt.V5, 1))
		s.receives(p)
	}},
	{"a group with a member that sleeps", "4.5.0-1", "4.5.0-1", func(s *stage) {
		c := lasting(mqtt.V5)
		p := s.begins(c)
		p.subscribe(mqtt.Subscription{Filter: "$share/g/~", QoS: 1})
		p.leave()
		pub := s.publisher(mqtt.V5)
		pub.publish("~", "nobody is there", 1)
		awake := s.member(mqtt.V5, 1)
		pub.publish("~", "awake", 1)
		s.receives(awake, `PUBLISH ~ "awake" q1`)
		s.returns(c).expect(`PUBLISH ~ "nobody is there" q1`)
	}},
}

// holder returns the client of a lasting session to which a group has sent a message at QoS 2 that it has not
// acknowledged, and a member that came later.
func (s *stage) holder() (p, later *peer) {
	s.Helper()
	p = s.begins(lasting(mqtt.V5))
	p.subscribe(mqtt.Subscription{Filter: "$share/g/~", QoS: 2})
	s.publisher(mqtt.V5).publish("~", "x", 2)
	p.expect(`PUBLISH ~ "x" q2`)
	return p, s.member(mqtt.V5, 2)
}

// payloads returns those of what came for the script's topic.
func (p *peer) payloads() (all []string) {
	for _, m := range p.seen {
		if m.Topic == p.s.word {
			all = append(all, string(m.Payload))
		}
	}
	return all
}
