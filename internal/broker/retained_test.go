package broker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

func TestRetainedMessagesComeAtSubscribe(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("pub", v)
		p.retain("a/1", "one")
		p.send(&mqtt.Publish{Topic: "a/2", Payload: []byte("two"), Retain: true, QoS: 1, PacketID: 1})
		p.gets("PUBACK #1")
		p.retain("a/3", "three")
		p.retain("a/3", "")
		p.retain("b", "other")

		sub := k.join("sub", v)
		sub.ask(1, mqtt.Subscription{Filter: "a/+", QoS: 2})
		sub.gets("SUBACK #1 02", `PUBLISH a/1 "one" retain`, `PUBLISH a/2 "two" q1 #1 retain`)
		sub.ask(2, mqtt.Subscription{Filter: "a/1", QoS: 2}, mqtt.Subscription{Filter: "b", QoS: 2})
		sub.gets("SUBACK #2 02 02", `PUBLISH a/1 "one" retain`, `PUBLISH b "other" retain`)
	})
}

func TestASubscriptionComesBehindTheClientsOwnPublishes(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("client", v)
		k.stream.freeze()
		p.send(&mqtt.Publish{Topic: "a", Payload: []byte("x"), Retain: true})
		p.ask(1, mqtt.Subscription{Filter: "a"})
		p.gets()
		k.stream.resume()
		p.gets("SUBACK #1 00", `PUBLISH a "x" retain`)

		k.stream.stall() // without a quorum a subscription waits for nothing
		p.send(&mqtt.Publish{Topic: "b", Payload: []byte("y"), Retain: true})
		p.ask(2, mqtt.Subscription{Filter: "b"})
		p.gets("SUBACK #2 00")
		k.stream.resume()
		p.gets(`PUBLISH b "y"`)
	})
}

func TestRetainHandling(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.retain("a", "x")
		ask := func(handling byte, want ...string) {
			t.Helper()
			p.ask(1, mqtt.Subscription{Filter: "a", RetainHandling: handling})
			p.gets(append([]string{"SUBACK #1 00"}, want...)...)
		}
		ask(2)
		ask(1) // the subscription exists
		ask(0, `PUBLISH a "x" retain`)
		p.send(&mqtt.Unsubscribe{PacketID: 1, Filters: []string{"a"}})
		p.gets("UNSUBACK #1 00")
		ask(1, `PUBLISH a "x" retain`)
	})
}

func TestRetainedMessagesCarryTheSubscriptionIdentifier(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.retain("a", "x")
		p.send(&mqtt.Subscribe{PacketID: 1, SubscriptionID: 5, Subscriptions: []mqtt.Subscription{{Filter: "#"}}})
		p.gets("SUBACK #1 00", `PUBLISH a "x" retain ids[5]`)
	})
}

// retainMany retains a message under each of n topics and returns them as a subscriber gets them.
func (p *peer) retainMany(n int) (want []string) {
	for i := range n {
		name := fmt.Sprintf("many/%04d", i)
		p.retain(name, "old")
		want = append(want, fmt.Sprintf(`PUBLISH %s "old" retain`, name))
	}
	p.gets()
	return want
}

func TestManyRetainedMessagesComeBeforeWhatIsPublishedLater(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p, sub := k.join("pub", v), k.join("sub", v)
		want := p.retainMany(1000)
		sub.set(func() { sub.deaf = true })
		sub.ask(1, mqtt.Subscription{Filter: "many/#"})
		k.settle()
		p.publish("many/0500", "live", 0, 0)
		k.settle()
		sub.set(func() { sub.deaf = false })
		sub.gets(append(append([]string{"SUBACK #1 00"}, want...), `PUBLISH many/0500 "live"`)...)
	})
}

func TestARetainedMessageThatIsReplacedDuringTheReplayComesOnce(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5)
		want := p.retainMany(1000)
		sub.set(func() { sub.deaf = true })
		sub.ask(1, mqtt.Subscription{Filter: "many/#"})
		k.settle()
		p.retain("many/0999", "new")
		k.settle()
		sub.set(func() { sub.deaf = false })
		sub.gets(append(append([]string{"SUBACK #1 00"}, want[:999]...), `PUBLISH many/0999 "new"`)...)
	})
}

func TestUnsubscribingEndsTheReplay(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5)
		p.retainMany(1000)
		sub.set(func() { sub.deaf = true })
		sub.ask(1, mqtt.Subscription{Filter: "many/#"})
		sub.send(&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"many/#"}})
		k.settle()
		sub.set(func() { sub.deaf = false })
		if got := sub.take(); len(got) > 200 {
			k.t.Fatalf("got %d packets", len(got))
		}
	})
}

func TestRetainedMessagesWaitForTheWindow(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5, receiveMaximum(1))
		for _, name := range []string{"a", "b"} {
			p.send(&mqtt.Publish{Topic: name, Payload: []byte("x"), Retain: true, QoS: 1, PacketID: 1})
			p.gets("PUBACK #1")
		}
		sub.ask(1, mqtt.Subscription{Filter: "#", QoS: 1})
		sub.gets("SUBACK #1 01", `PUBLISH a "x" q1 #1 retain`)
		p.publish("c", "live", 0, 0)
		sub.gets()
		sub.puback(1)
		sub.gets(`PUBLISH b "x" q1 #2 retain`, `PUBLISH c "live"`)
	})
}

// expiring publishes a message that lives for that many seconds.
func (p *peer) expiring(topic string, seconds uint32, retain bool) {
	p.send(&mqtt.Publish{Topic: topic, Payload: []byte("x"), Retain: retain, HasExpiry: true, Expiry: seconds})
}

func TestTheRemainingExpiryIsForwarded(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub, old := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5), k.join("old", mqtt.V311)
		sub.subscribe("#")
		old.subscribe("#")
		p.expiring("a", 10, true)
		sub.gets(`PUBLISH a "x" expiry=10`)
		old.gets(`PUBLISH a "x"`)

		time.Sleep(4 * time.Second)
		late := k.join("late", mqtt.V5)
		late.ask(1, mqtt.Subscription{Filter: "a"})
		late.gets("SUBACK #1 00", `PUBLISH a "x" retain expiry=6`)
		time.Sleep(7 * time.Second) // nothing is ordered, so the state's time stands still; ours does not
		k.join("later", mqtt.V5)
		late.ask(1, mqtt.Subscription{Filter: "a"})
		late.gets("SUBACK #1 00")
	})
}

func TestWhatExpiresInTheQueueIsNotSent(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5, receiveMaximum(1))
		sub.subscribe("#")
		p.publish("first", "x", 1, 1)
		p.gets("PUBACK #1")
		p.send(&mqtt.Publish{Topic: "short", QoS: 1, PacketID: 2, HasExpiry: true, Expiry: 5})
		p.send(&mqtt.Publish{Topic: "long", QoS: 1, PacketID: 3, HasExpiry: true, Expiry: 50})
		p.gets("PUBACK #2", "PUBACK #3")
		sub.gets(`PUBLISH first "x" q1 #1`)
		time.Sleep(20 * time.Second)
		sub.puback(1)
		sub.gets(`PUBLISH long "" q1 #2 expiry=30`)
		if n := k.broker.Stats().Expired; n != 1 {
			k.t.Fatalf("%d expired", n)
		}
	})
}

// TestRetainedMessagesOfManyFiltersComeBeforeLiveOnes: a SUBSCRIBE with many filters is done in portions. What is published
// meanwhile is not overtaken by what its topic retained before.
func TestRetainedMessagesOfManyFiltersComeBeforeLiveOnes(t *testing.T) {
	play(t, generous, func(k *kit) {
		pub := k.join("pub", mqtt.V5)
		pub.retain("x/0", "old")
		for round := range 20 {
			sub := k.join(fmt.Sprint("sub", round), mqtt.V5)
			var filters []mqtt.Subscription
			for i := range 8000 {
				filters = append(filters, mqtt.Subscription{Filter: fmt.Sprint("x/", i)})
			}
			sub.ask(1, filters...)
			for range 300 {
				pub.publish("x/0", "new", 0, 0)
			}
			got := sub.take()
			old := slices.Index(got, `PUBLISH x/0 "old" retain`)
			if fresh := slices.Index(got, `PUBLISH x/0 "new"`); old < 0 || fresh >= 0 && fresh < old {
				t.Fatalf("round %d: the retained message comes at place %d, the first of those after it at %d", round, old, fresh)
			}
			sub.hangUp()
			k.settle()
		}
	})
}
