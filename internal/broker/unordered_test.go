package broker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

var local = broker.Config{StallDispatchLocal: true}

func TestAStallHoldsMessagesUnlessToldOtherwise(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		pub, sub := k.join("pub", v), k.join("sub", v)
		sub.subscribe("#")
		k.stream.stall()
		pub.publish("a", "x", 1, 1)
		sub.gets()
		k.stream.resume()
		sub.gets(`PUBLISH a "x" q1 #1`)
	})
}

func TestAStallDispatchesLocally(t *testing.T) {
	play(t, local, func(k *kit) {
		pub, sub, old := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5), k.join("old", mqtt.V311)
		sub.subscribe("#", "a")
		old.subscribe("#")
		k.stream.stall()
		for qos := range byte(3) {
			pub.publish("a", fmt.Sprint(qos), qos, uint16(qos))
		}
		pub.gets() // an acknowledgement means that it is ordered
		sub.gets(`PUBLISH a "0" unordered=1`, `PUBLISH a "1" unordered=1`, `PUBLISH a "2" unordered=1`)
		old.gets(`PUBLISH a "0"`, `PUBLISH a "1"`, `PUBLISH a "2"`)
		k.stream.resume()
		pub.gets("PUBACK #1", "PUBREC #2")
		sub.gets()
		old.gets()
		pub.publish("a", "after", 1, 3)
		sub.gets(`PUBLISH a "after" q1 #1`)
		old.gets(`PUBLISH a "after" q1 #1`)
	})
}

func TestWhatIsOrderedIsNotDispatchedBefore(t *testing.T) {
	play(t, local, func(k *kit) {
		pub, sub := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5)
		sub.subscribe("#")
		pub.publish("a", "x", 1, 1)
		sub.gets(`PUBLISH a "x" q1 #1`)
		k.stream.freeze() // nobody says that there is no quorum
		pub.publish("a", "y", 1, 2)
		sub.gets()
	})
}

func TestLastingSessionsWaitForTheOrder(t *testing.T) {
	config := local
	config.MaxSessionExpiry = time.Hour
	play(t, config, func(k *kit) {
		pub := k.join("pub", mqtt.V5)
		lasting := k.dial("lasting", mqtt.V5)
		lasting.connect(func(c *mqtt.Connect) { c.SessionExpiry = 60 })
		lasting.take()
		lasting.subscribe("#")
		k.stream.stall()
		pub.publish("a", "x", 2, 1)
		lasting.gets()
		k.stream.resume()
		lasting.gets(`PUBLISH a "x" q2 #1`)
	})
}

func TestSharedSubscriptionsWaitForTheOrder(t *testing.T) {
	play(t, local, func(k *kit) {
		pub, member := k.join("pub", mqtt.V5), k.join("member", mqtt.V5)
		member.ask(1, mqtt.Subscription{Filter: "$share/g/a", QoS: 1}, mqtt.Subscription{Filter: "b"})
		member.gets("SUBACK #1 01 00")
		k.stream.stall()
		pub.publish("a", "x", 1, 1)
		pub.publish("b", "y", 1, 2)
		member.gets(`PUBLISH b "y" unordered=1`)
		k.stream.resume()
		member.gets(`PUBLISH a "x" q1 #1`)
	})
}

func TestWhoComesLaterGetsTheOrderedMessage(t *testing.T) {
	play(t, local, func(k *kit) {
		pub := k.join("pub", mqtt.V5)
		k.stream.stall()
		pub.publish("a", "1", 1, 1)
		k.settle()
		late := k.join("late", mqtt.V5)
		late.subscribe("a")
		pub.publish("a", "2", 1, 2)
		late.gets(`PUBLISH a "2" unordered=1`)
		late.subscribe("a", "+") // the one is replaced, the other is new
		k.stream.resume()
		late.gets(`PUBLISH a "1" q1 #1`)
	})
}

func TestNoLocalHoldsDuringAStall(t *testing.T) {
	play(t, local, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.ask(1, mqtt.Subscription{Filter: "#", NoLocal: true})
		p.gets("SUBACK #1 00")
		k.stream.stall()
		p.publish("a", "x", 1, 1)
		p.gets()
		k.stream.resume()
		p.gets("PUBACK #1")
	})
}

func TestWhatFindsNoPlaceInTheStreamIsNotDispatched(t *testing.T) {
	play(t, local, func(k *kit) {
		pub, sub := k.join("pub", mqtt.V5), k.join("sub", mqtt.V5)
		sub.subscribe("#")
		k.stream.stall()
		k.stream.limit(1)
		pub.publish("a", "1", 1, 1)
		pub.publish("a", "2", 1, 2)
		sub.gets(`PUBLISH a "1" unordered=1`)
		k.stream.limit(10)
		k.stream.resume()
		sub.gets(`PUBLISH a "2" q1 #1`)
	})
}

// TestEachMessageOfAStallComesOnce lets subscribers come, subscribe again and publish at random during a stall: when it
// is over, each of them has got each message once.
func TestEachMessageOfAStallComesOnce(t *testing.T) {
	for seed := range uint64(30) {
		play(t, local, func(k *kit) {
			random := rand.New(rand.NewPCG(seed, 0))
			pub, peers, sent := k.join("pub", mqtt.V5), []*peer(nil), []string(nil)
			for range 5 {
				peers = append(peers, k.join(fmt.Sprint("sub", len(peers)), versions[random.IntN(2)]))
			}
			before := random.IntN(len(peers))
			for _, p := range peers[:before] {
				p.ask(1, mqtt.Subscription{Filter: "a/+"})
			}
			k.settle()
			k.stream.stall()
			for range 20 {
				for _, p := range peers {
					if random.IntN(8) == 0 {
						p.ask(1, mqtt.Subscription{Filter: []string{"a/+", "#", "a/b"}[random.IntN(3)]})
					}
				}
				k.settle()
				if random.IntN(2) == 0 {
					sent = append(sent, fmt.Sprintf("PUBLISH a/b %q", fmt.Sprint(len(sent))))
					pub.publish("a/b", fmt.Sprint(len(sent)-1), 0, 0)
				}
			}
			for _, p := range peers {
				p.ask(1, mqtt.Subscription{Filter: "a/+"})
			}
			k.settle()
			k.stream.resume()
			slices.Sort(sent)
			for _, p := range peers {
				got := slices.DeleteFunc(p.take(), func(s string) bool { return !strings.HasPrefix(s, "PUBLISH") })
				for i := range got {
					got[i] = strings.TrimSuffix(got[i], " unordered=1")
				}
				if slices.Sort(got); !slices.Equal(got, sent) {
					t.Fatalf("seed %d: %s got %q, want %q", seed, p.name, got, sent)
				}
			}
		})
	}
}

// TestWhoHandsOverHasNoTurn: the apply goroutine may be busy then, and nobody else is to wait for it.
func TestWhoHandsOverHasNoTurn(t *testing.T) {
	play(t, broker.Config{StallDispatchLocal: true, Readers: 1}, func(k *kit) {
		pub, good := k.join("pub", mqtt.V5), k.join("good", mqtt.V5)
		k.stream.stall()
		busy := make(chan struct{})
		go func() { _ = k.stream.Do(func(*replica.Machine) { <-busy }) }()
		k.settle()
		pub.publish("a", "", 0, 0)
		k.settle()
		good.send(&mqtt.Pingreq{})
		got := good.take()
		close(busy)
		if len(got) != 1 {
			t.Errorf("a ping is answered with %v", got)
		}
	})
}
