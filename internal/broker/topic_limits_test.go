package broker_test

import (
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// Topics that keep the limits of shortTopics, and that do not.
var (
	shortTopics = broker.Config{MaxTopicLength: 10, MaxTopicLevels: 3}
	goodTopics  = []string{"1234567890", "a/b/c", "//"}
	badTopics   = []string{"12345678901", "a/b/c/d", "///"}
)

func TestTopicsThatKeepTheLimits(t *testing.T) {
	for _, v := range versions {
		play(t, shortTopics, func(k *kit) {
			for _, topic := range goodTopics {
				p := k.join(topic, v, withWill(topic))
				p.subscribe(topic)
				p.publish(topic, "x", 1, 1)
				p.gets("PUBACK #1", `PUBLISH `+topic+` "x" q1 #1`)
			}
		})
	}
}

func TestTopicsBeyondTheLimits(t *testing.T) {
	for _, v := range versions {
		play(t, shortTopics, func(k *kit) {
			for _, topic := range badTopics {
				p := k.join(topic, v)
				p.publish(topic, "x", 0, 0)
				p.gets(goodbye(v, "DISCONNECT 90")...)
			}
			if s := k.broker.Stats(); s.RefusedTopics != 3 || s.Protocol != 3 {
				k.t.Errorf("%+v", s)
			}
		})
	}
}

func TestTopicsBeyondTheLimitsAboveQoS0(t *testing.T) {
	play(t, shortTopics, func(k *kit) {
		for _, topic := range badTopics {
			p := k.join(topic, mqtt.V5)
			p.publish(topic, "x", 1, 1)
			p.publish(topic, "x", 2, 2)
			p.publish("good", "x", 1, 3)
			p.gets("PUBACK #1 90", "PUBREC #2 90", "PUBACK #3")
			p = k.join(topic, mqtt.V311)
			p.publish(topic, "x", 1, 1)
			p.gets("closed")
		}
	})
}

func TestFiltersBeyondTheLimits(t *testing.T) {
	for v, refused := range map[mqtt.Version]string{mqtt.V311: "80", mqtt.V5: "8f"} {
		play(t, shortTopics, func(k *kit) {
			p := k.join("client", v)
			for i, topic := range append(badTopics, "+/+/+/+", "a/b/c/#", "$share/g/a/b/c/d") {
				p.ask(uint16(i+1), mqtt.Subscription{Filter: topic})
				p.gets("SUBACK #" + string(rune('1'+i)) + " " + refused)
			}
			if s := k.broker.Stats(); s.RefusedFilters != 6 {
				k.t.Errorf("%+v", s)
			}
		})
	}
}

func TestWillsBeyondTheLimits(t *testing.T) {
	for v, want := range map[mqtt.Version][]string{mqtt.V311: {"closed"}, mqtt.V5: {"CONNACK 90", "closed"}} {
		play(t, shortTopics, func(k *kit) {
			for _, topic := range badTopics {
				p := k.dial("client", v)
				p.connect(withWill(topic))
				p.gets(want...)
			}
			if s := k.broker.Stats(); s.RefusedTopics != 3 || s.RefusedConnects != 3 {
				k.t.Errorf("%+v", s)
			}
		})
	}
}

// A topic of as many levels as its length allows costs no more than another one.
func TestTheDeepestTopic(t *testing.T) {
	play(t, broker.Config{MaxTopicLevels: 128}, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.publish(strings.Repeat("/", 65535), "x", 1, 1)
		p.ask(2, mqtt.Subscription{Filter: strings.Repeat("/", 65535)}, mqtt.Subscription{Filter: strings.Repeat("+/", 128)})
		p.gets("PUBACK #1 90", "SUBACK #2 8f 8f")
	})
}
