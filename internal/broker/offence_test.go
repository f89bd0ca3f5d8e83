package broker_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// sheriff keeps an address out after so many offences.
type sheriff struct {
	after int

	mu   sync.Mutex
	seen map[netip.Addr]int // guarded by mu
}

func (s *sheriff) Offend(from netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[netip.Addr]int{}
	}
	s.seen[from]++
	return s.seen[from] >= s.after
}

func (s *sheriff) Banned(from netip.Addr) bool { return s.offences(from.String()) >= s.after }

func (s *sheriff) offences(from string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[netip.MustParseAddr(from)]
}

func TestOffences(t *testing.T) {
	early := func(do func(p *peer)) func(k *kit) {
		return func(k *kit) { do(k.dialFrom("192.0.2.1", "client", mqtt.V5)) }
	}
	late := func(do func(p *peer)) func(k *kit) {
		return early(func(p *peer) {
			p.connect(as("alice", "secret"), silent)
			p.gets("CONNACK 00")
			do(p)
		})
	}
	for _, c := range []struct {
		name string
		play func(k *kit)
		want int
	}{
		{"no MQTT", early(func(p *peer) { p.raw([]byte("GET / HTTP/1.1\r\n\r\n")...) }), 1},
		{"no CONNECT", early(func(p *peer) { p.send(&mqtt.Pingreq{}) }), 1},
		{"nothing in time", early(func(*peer) { time.Sleep(11 * time.Second) }), 1},
		{"malformed CONNECT", early(func(p *peer) { p.raw(0x10, 2, 0, 9) }), 1},
		{"wrong password", early(func(p *peer) { p.connect(as("alice", "guess")) }), 1},
		{"a will where it may not", early(func(p *peer) {
			p.connect(as("alice", "secret"), func(c *mqtt.Connect) { c.Will = &mqtt.Will{Topic: "private"} })
		}), 0},
		{"a topic beyond the limits", late(func(p *peer) { p.publish(strings.Repeat("x", 1000), "", 0, 0) }), 0},
		{"anonymous", early(func(p *peer) { p.connect() }), 1},
		{"gone before CONNECT", early(func(p *peer) { p.hangUp() }), 0},
		{"second CONNECT", late(func(p *peer) { p.connect() }), 1},
		{"malformed packet", late(func(p *peer) { p.raw(0, 0) }), 1},
		{"gone without a goodbye", late(func(p *peer) { p.hangUp() }), 0},
		{"goodbye", late(func(p *peer) { p.send(&mqtt.Disconnect{}) }), 0},
		{"denied publish", late(func(p *peer) { p.publish("private", "x", 0, 0) }), 0},
		{"silence", func(k *kit) {
			p := k.dialFrom("192.0.2.1", "client", mqtt.V5)
			p.connect(as("alice", "secret"))
			time.Sleep(time.Hour)
			p.gets("CONNACK 00", "DISCONNECT 8d", "closed")
		}, 0},
		{"no room", func(k *kit) {
			for _, id := range []string{"1", "2"} {
				k.dialFrom("192.0.2.1", id, mqtt.V5).connect(as("alice", "secret"), silent)
				k.settle()
			}
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			watch := &sheriff{after: 100}
			play(t, broker.Config{
				Watch: watch, Users: newTown("alice", "secret"), Permissions: reserved{}, MaxConnectionsPerUser: 1, MaxTopicLength: 100,
			}, func(k *kit) {
				c.play(k)
				k.settle()
				if got := watch.offences("192.0.2.1"); got != c.want {
					t.Errorf("%d offences", got)
				}
			})
		})
	}
}

func TestABanForOffencesClosesWhoHasNotComeIn(t *testing.T) {
	play(t, broker.Config{Watch: &sheriff{after: 2}}, func(k *kit) {
		inside := k.dialFrom("192.0.2.1", "inside", mqtt.V5)
		inside.connect()
		inside.gets("CONNACK 00")
		waiting := k.dialFrom("192.0.2.1", "waiting", mqtt.V5)
		other := k.dialFrom("192.0.2.2", "other", mqtt.V5)
		for range 2 {
			k.dialFrom("192.0.2.1", "bad", mqtt.V5).raw(0, 0)
			k.settle()
		}
		waiting.gets("closed")
		other.connect()
		other.gets("CONNACK 00")
		inside.send(&mqtt.Pingreq{})
		inside.gets("PINGRESP")

		late := k.dialFrom("192.0.2.1", "late", mqtt.V5) // one that was accepted before the ban
		late.connect()
		late.gets("CONNACK 8a", "closed")
	})
}
