package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// received checks how many publishes the broker has read.
func (k *kit) received(want uint64) {
	k.t.Helper()
	k.settle()
	if got := k.broker.Stats().Received; got != want {
		k.t.Fatalf("%d publishes were read, want %d", got, want)
	}
}

func TestAFastPublisherIsReadAtItsRate(t *testing.T) {
	for _, v := range versions {
		play(t, broker.Config{MaxPublishRate: 2}, func(k *kit) {
			fast, slow := k.join("fast", v), k.join("slow", v)
			for id := range uint16(30) {
				fast.publish("a", "x", 1, id+1)
			}
			k.received(11) // 5 s worth of them, and the one that waits
			slow.publish("a", "x", 0, 0)
			k.received(12)
			time.Sleep(2 * time.Second)
			k.received(16)
			time.Sleep(time.Minute)
			k.received(31)
			if got := fast.take(); len(got) != 30 || k.broker.Stats().HeldUp != 1 {
				k.t.Errorf("%d answers, held up %d times", len(got), k.broker.Stats().HeldUp)
			}
		})
	}
}

func TestBytesHaveARateToo(t *testing.T) {
	play(t, broker.Config{MaxPublishBytes: 1001}, func(k *kit) {
		p := k.join("client", mqtt.V5)
		for range 8 {
			p.publish("a", strings.Repeat("x", 1000), 0, 0)
		}
		k.received(6)
		time.Sleep(1010 * time.Millisecond)
		k.received(7)
		time.Sleep(time.Minute)
		k.received(8)
	})
}

func TestAKeepAliveStandsStillWhileAPublisherWaits(t *testing.T) {
	play(t, broker.Config{MaxPublishBytes: 100}, func(k *kit) {
		p := k.join("client", mqtt.V5, func(c *mqtt.Connect) { c.KeepAlive = 10 })
		p.publish("a", strings.Repeat("x", 5000), 0, 0) // 50 s worth
		p.send(&mqtt.Pingreq{})
		time.Sleep(44 * time.Second)
		p.gets()
		time.Sleep(2 * time.Second)
		p.gets("PINGRESP")
	})
}

func TestWhoNeverSlowsDownIsClosed(t *testing.T) {
	for _, v := range versions {
		play(t, broker.Config{MaxPublishRate: 1}, func(k *kit) {
			p := k.join("client", v, withWill("w"))
			heir := k.join("heir", v)
			heir.subscribe("w")
			for range 100 {
				p.publish("a", "x", 0, 0)
			}
			time.Sleep(58 * time.Second)
			p.gets()
			time.Sleep(3 * time.Second)
			p.gets(goodbye(v, "DISCONNECT 96")...)
			heir.gets(`PUBLISH w "gone" q1 #1`)
			if s := k.broker.Stats(); s.TooFast != 1 || s.Protocol != 0 {
				k.t.Errorf("%+v", s)
			}
		})
	}
}

func TestAPauseForgivesHaste(t *testing.T) {
	play(t, broker.Config{MaxPublishRate: 1}, func(k *kit) {
		p := k.join("client", mqtt.V5, silent)
		for range 10 { // as many as take 40 s, then a pause
			for range 40 {
				p.publish("a", "x", 0, 0)
			}
			time.Sleep(50 * time.Second)
		}
		p.gets()
		k.received(400)
	})
}

// rich is a town in which alice has limits of her own.
func rich(town *town, limits *broker.UserLimits) broker.Config {
	config := town.config()
	config.UserLimits = func(user string) broker.UserLimits {
		town.mu.Lock()
		defer town.mu.Unlock()
		if user == "alice" {
			return *limits
		}
		return broker.UserLimits{}
	}
	return config
}

func TestAUsersRateIsThatOfAllItsConnections(t *testing.T) {
	town, limits := newTown("alice", "a", "bob", "b"), &broker.UserLimits{PublishRate: 2}
	play(t, rich(town, limits), func(k *kit) {
		first, second := k.join("1", mqtt.V5, as("alice", "a")), k.join("2", mqtt.V5, as("alice", "a"))
		other := k.join("3", mqtt.V5, as("bob", "b"))
		for range 20 {
			first.publish("a", "x", 0, 0)
			other.publish("a", "x", 0, 0)
		}
		k.received(31)
		second.publish("a", "x", 0, 0)
		k.received(32)
		second.send(&mqtt.Pingreq{})
		second.gets()
		time.Sleep(2 * time.Second)
		second.gets("PINGRESP")

		town.change(k, func() { limits.PublishRate = 0 })
		time.Sleep(time.Second) // the one that waits has been given its time already
		k.received(41)
	})
}

func TestAUsersClientsAreLimited(t *testing.T) {
	for v, refused := range map[mqtt.Version]string{mqtt.V311: "CONNACK 88", mqtt.V5: "CONNACK 97"} { // 3.1.1: return code 3
		town, limits := newTown("alice", "a", "bob", "b"), &broker.UserLimits{Connections: 2}
		config := rich(town, limits)
		config.MaxConnectionsPerUser = 1
		play(t, config, func(k *kit) {
			first := k.join("1", v, as("alice", "a"))
			k.join("2", v, as("alice", "a"))
			p := k.dial("3", v)
			p.connect(as("alice", "a"))
			p.gets(refused, "closed")
			k.join("4", v, as("bob", "b"))
			p = k.dial("5", v)
			p.connect(as("bob", "b"))
			p.gets(refused, "closed")
			if n := k.broker.Stats().CrowdedUsers; n != 2 {
				k.t.Errorf("%d were refused", n)
			}
			first.hangUp()
			k.settle()
			k.join("3", v, as("alice", "a"))
			k.join("3", v, as("alice", "a")) // takes the other one over
			town.change(k, func() { limits.Connections = 3 })
			k.join("6", v, as("alice", "a"))
		})
	}
}

func TestAnonymousClientsAreNoUser(t *testing.T) {
	play(t, broker.Config{MaxConnectionsPerUser: 1}, func(k *kit) {
		k.join("1", mqtt.V5)
		k.join("2", mqtt.V5)
	})
}
