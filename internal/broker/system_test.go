package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// telling is a broker that tells of the system every 10 s.
func telling(values ...broker.SystemValue) broker.Config {
	return broker.Config{SystemInterval: 10 * time.Second, System: func() []broker.SystemValue { return values }}
}

// about returns what the peer has got for one topic of the system.
func (p *peer) about(name string) []string {
	other := func(s string) bool { return !strings.HasPrefix(s, "PUBLISH $SYS/broker/"+name+" ") }
	return slices.DeleteFunc(p.take(), other)
}

func (p *peer) tells(name string, want ...string) {
	p.kit.t.Helper()
	if got := p.about(name); !slices.Equal(got, want) {
		p.kit.t.Fatalf("%s: %s got %q, want %q", name, p.name, got, want)
	}
}

func TestTheSystemIsTold(t *testing.T) {
	for _, v := range versions {
		play(t, telling(broker.SystemValue{Name: "version", Value: "1"}), func(k *kit) {
			k.settle()
			p := k.join("client", v, silent)
			p.ask(1, mqtt.Subscription{Filter: "$SYS/broker/version", QoS: 2})
			p.gets("SUBACK #1 02", `PUBLISH $SYS/broker/version "1" retain`)
			p.ask(2, mqtt.Subscription{Filter: "$SYS/+/uptime"}, mqtt.Subscription{Filter: "$SYS/broker/subscriptions/#"})
			p.gets("SUBACK #2 00 00", `PUBLISH $SYS/broker/uptime "0" retain`, `PUBLISH $SYS/broker/subscriptions/local "3" retain`)
			for _, seconds := range []string{"10", "20"} {
				time.Sleep(10 * time.Second)
				p.gets(`PUBLISH $SYS/broker/uptime "`+seconds+`"`, `PUBLISH $SYS/broker/subscriptions/local "3"`,
					`PUBLISH $SYS/broker/version "1"`)
			}
		})
	}
}

func TestWhatTheSystemCounts(t *testing.T) {
	for name, want := range map[string]string{
		"clients/connected": "2", "subscriptions/local": "2", "messages/received": "3", "messages/sent": "2", "messages/dropped": "0",
	} {
		play(t, telling(), func(k *kit) {
			p, q := k.join("client", mqtt.V5, silent), k.join("watcher", mqtt.V5, silent)
			p.subscribe("a")
			p.publish("a", "x", 0, 0)
			p.publish("a", "y", 0, 0)
			p.retain("b", "z")
			k.settle()
			q.ask(1, mqtt.Subscription{Filter: "$SYS/#"})
			q.tells(name, `PUBLISH $SYS/broker/`+name+` "`+want+`" retain`)
		})
	}
	for _, name := range []string{"bytes/received", "bytes/sent", "heap/current"} {
		play(t, telling(), func(k *kit) {
			p := k.join("client", mqtt.V5, silent)
			p.ask(1, mqtt.Subscription{Filter: "$SYS/broker/" + name})
			if got := p.about(name); len(got) != 1 || strings.Contains(got[0], `"0"`) {
				k.t.Fatalf("%s: %q", name, got)
			}
		})
	}
}

func TestTheSystemMatchesNoWildcardAlone(t *testing.T) {
	play(t, telling(), func(k *kit) {
		p := k.join("client", mqtt.V5, silent)
		p.subscribe("#", "+/#", "+/broker/uptime")
		time.Sleep(time.Minute)
		p.gets()
	})
}

func TestOptionsOfASubscriptionToTheSystem(t *testing.T) {
	play(t, telling(broker.SystemValue{Name: "x", Value: "1"}), func(k *kit) {
		k.settle()
		p := k.join("client", mqtt.V5, silent)
		ask := func(handling byte) {
			filter := mqtt.Subscription{Filter: "$SYS/broker/x", RetainHandling: handling, NoLocal: true}
			p.send(&mqtt.Subscribe{PacketID: 1, SubscriptionID: 7, Subscriptions: []mqtt.Subscription{filter}})
		}
		const told = `PUBLISH $SYS/broker/x "1" retain ids[7]`
		ask(2)
		p.gets("SUBACK #1 00")
		ask(1)
		p.gets("SUBACK #1 00")
		ask(0)
		p.gets("SUBACK #1 00", told)
		p.send(&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"$SYS/broker/x"}})
		p.gets("UNSUBACK #2 00")
		ask(1)
		p.gets("SUBACK #1 00", told)
	})
}

// TestTheSystemGoesAroundTheStream: it is told without a quorum, and an idle cluster stays idle.
func TestTheSystemGoesAroundTheStream(t *testing.T) {
	play(t, telling(), func(k *kit) {
		p := k.join("client", mqtt.V5, silent)
		p.ask(1, mqtt.Subscription{Filter: "$SYS/broker/uptime"})
		p.gets("SUBACK #1 00", `PUBLISH $SYS/broker/uptime "0" retain`)
		k.stream.stall()
		before := k.stream.number
		time.Sleep(20 * time.Second)
		p.gets(`PUBLISH $SYS/broker/uptime "10"`, `PUBLISH $SYS/broker/uptime "20"`)
		k.stream.resume()
		k.settle()
		if k.stream.number != before {
			k.t.Fatalf("%d transactions", k.stream.number-before)
		}
	})
}

func TestTheSystemIsNotToldUnlessAskedFor(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5, silent)
		p.subscribe("$SYS/#")
		time.Sleep(time.Hour)
		p.gets()
	})
}

func TestLastingSessionsAreToldOfTheSystem(t *testing.T) {
	config := telling(broker.SystemValue{Name: "x", Value: "1"})
	config.MaxSessionExpiry = time.Hour
	play(t, config, func(k *kit) {
		lasting := func(c *mqtt.Connect) { c.CleanStart, c.SessionExpiry, c.KeepAlive = false, 3600, 0 }
		p := k.dial("client", mqtt.V5)
		p.connect(lasting)
		p.take()
		filters := []mqtt.Subscription{
			{Filter: "$SYS/broker/x", RetainAsPublished: true}, {Filter: "$SYS/+/x", RetainHandling: 2}, {Filter: "#"},
		}
		p.send(&mqtt.Subscribe{PacketID: 1, SubscriptionID: 7, Subscriptions: filters})
		p.gets("SUBACK #1 00 00 00", `PUBLISH $SYS/broker/x "1" retain ids[7]`)
		time.Sleep(10 * time.Second)
		p.gets(`PUBLISH $SYS/broker/x "1" retain ids[7 7]`)

		p.hangUp()
		time.Sleep(time.Minute)
		p = k.dial("client", mqtt.V5)
		p.connect(lasting)
		p.take() // nothing of what was said meanwhile
		time.Sleep(10 * time.Second)
		p.gets(`PUBLISH $SYS/broker/x "1" retain ids[7 7]`)
		p.send(&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"$SYS/broker/x", "$SYS/+/x"}})
		p.gets("UNSUBACK #2 00 00")
		time.Sleep(10 * time.Second)
		p.gets()
	})
}
