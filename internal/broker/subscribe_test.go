package broker_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

func TestWildcards(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("pub", v)
		one, all, exact := k.join("one", v), k.join("all", v), k.join("exact", v)
		one.subscribe("a/+/c")
		all.subscribe("#")
		exact.subscribe("a/b")
		p.publish("a/b/c", "1", 0, 0)
		p.publish("a/b", "2", 0, 0)
		p.publish("$hidden", "3", 0, 0)
		one.gets(`PUBLISH a/b/c "1"`)
		all.gets(`PUBLISH a/b/c "1"`, `PUBLISH a/b "2"`)
		exact.gets(`PUBLISH a/b "2"`)
	})
}

func TestTheLowerQoSHolds(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("client", v)
		p.ask(3, mqtt.Subscription{Filter: "a", QoS: 0}, mqtt.Subscription{Filter: "b", QoS: 1})
		p.gets("SUBACK #3 00 01")
		p.publish("a", "x", 1, 1)
		p.publish("b", "y", 2, 2)
		p.gets("PUBACK #1", "PUBREC #2", `PUBLISH a "x"`, `PUBLISH b "y" q1 #1`)
	})
}

func TestOverlappingSubscriptionsBringOnePublish(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.send(
			&mqtt.Subscribe{PacketID: 1, SubscriptionID: 7, Subscriptions: []mqtt.Subscription{{Filter: "a/#", QoS: 0}}},
			&mqtt.Subscribe{PacketID: 2, SubscriptionID: 300, Subscriptions: []mqtt.Subscription{{Filter: "a/b", QoS: 2}}},
			&mqtt.Subscribe{PacketID: 3, Subscriptions: []mqtt.Subscription{{Filter: "a/+", QoS: 1}}},
		)
		p.gets("SUBACK #1 00", "SUBACK #2 02", "SUBACK #3 01")
		p.publish("a/b", "x", 2, 1)
		p.publish("a/c", "y", 2, 2)
		p.publish("a", "z", 0, 0)
		p.gets("PUBREC #1", "PUBREC #2",
			`PUBLISH a/b "x" q2 #1 ids[7 300]`, `PUBLISH a/c "y" q1 #2 ids[7]`, `PUBLISH a "z" ids[7]`)
	})
}

func TestNoLocal(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, q := k.join("me", mqtt.V5), k.join("other", mqtt.V5)
		p.ask(1, mqtt.Subscription{Filter: "#", NoLocal: true})
		p.gets("SUBACK #1 00")
		p.publish("a", "mine", 0, 0)
		q.publish("a", "theirs", 0, 0)
		p.gets(`PUBLISH a "theirs"`)
	})
}

func TestNoLocalLeavesOutWhatTheClientRetained(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, q := k.join("me", mqtt.V5), k.join("other", mqtt.V5)
		p.retain("a", "mine")
		q.retain("b", "theirs")
		p.ask(1, mqtt.Subscription{Filter: "#", NoLocal: true})
		p.gets("SUBACK #1 00", `PUBLISH b "theirs" retain`)
	})
}

func TestRetainAsPublished(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, q, old := k.join("as published", mqtt.V5), k.join("usual", mqtt.V5), k.join("old", mqtt.V311)
		p.ask(1, mqtt.Subscription{Filter: "#", RetainAsPublished: true})
		p.gets("SUBACK #1 00")
		q.subscribe("#")
		old.subscribe("#")
		p.retain("a", "x")
		p.publish("a", "y", 0, 0)
		p.gets(`PUBLISH a "x" retain`, `PUBLISH a "y"`)
		q.gets(`PUBLISH a "x"`, `PUBLISH a "y"`)
		old.gets(`PUBLISH a "x"`, `PUBLISH a "y"`)
	})
}

func TestUnsubscribe(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("client", v)
		p.subscribe("a", "b")
		p.send(&mqtt.Unsubscribe{PacketID: 4, Filters: []string{"a", "never", "#/a"}})
		if v == mqtt.V5 {
			p.gets("UNSUBACK #4 00 11 8f")
		} else {
			p.gets("UNSUBACK #4")
		}
		p.publish("a", "x", 0, 0)
		p.publish("b", "y", 0, 0)
		p.gets(`PUBLISH b "y"`)
	})
}

func TestSubscribingAgainReplaces(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("client", v)
		p.subscribe("a")
		p.ask(2, mqtt.Subscription{Filter: "a", QoS: 0})
		p.gets("SUBACK #2 00")
		p.publish("a", "x", 1, 1)
		p.gets("PUBACK #1", `PUBLISH a "x"`)
	})
}

func TestRefusedFilters(t *testing.T) {
	config := broker.Config{Permissions: reserved{}, MaxSubscriptions: 2}
	filters := []mqtt.Subscription{
		{Filter: "a/#/b"},
		{Filter: "a+"},
		{Filter: ""},
		{Filter: "$share/group/a"},
		{Filter: "$share/group"},
		{Filter: "private"},
		{Filter: "1"},
		{Filter: "2"},
		{Filter: "3"},
		{Filter: "1"},
	}
	play(t, config, func(k *kit) {
		p := k.join("new", mqtt.V5)
		p.ask(1, filters...)
		p.gets("SUBACK #1 8f 8f 8f 00 8f 87 00 00 97 00")
		old := k.join("old", mqtt.V311)
		old.ask(1, filters...)
		old.gets("SUBACK #1 80 80 80 00 80 80 00 00 80 00")
		if s := k.broker.Stats(); s.DeniedSubscriptions != 2 || s.RefusedFilters != 10 {
			k.t.Fatalf("%+v", s)
		}
	})
}

func TestNoLocalOnASharedSubscriptionIsAnError(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.ask(1, mqtt.Subscription{Filter: "$share/g/a", NoLocal: true})
		p.gets("DISCONNECT 82", "closed")
	})
}

func TestSubscriptionsEndWithTheConnection(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p, q := k.join("client", v), k.join("pub", v)
		p.subscribe("#")
		p.hangUp()
		k.settle()
		p = k.join("client", v)
		q.publish("a", "x", 0, 0)
		p.gets()
	})
}
