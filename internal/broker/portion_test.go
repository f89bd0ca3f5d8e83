package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// TestAPacketOfManyFilters is answered when all of it is done, with a code for each filter, also where some are refused.
func TestAPacketOfManyFilters(t *testing.T) {
	const count = 1000
	for kind, join := range map[string]func(*kit) *peer{
		"local":   func(k *kit) *peer { return k.join("client", mqtt.V5) },
		"lasting": func(k *kit) *peer { return k.begin("client", mqtt.V5) },
	} {
		t.Run(kind, func(t *testing.T) {
			play(t, generous, func(k *kit) {
				p := join(k)
				p.retain("many/0", "kept")
				p.retain("many/998", "kept")
				subscribe, unsubscribe := &mqtt.Subscribe{PacketID: 1}, &mqtt.Unsubscribe{PacketID: 2}
				suback, unsuback := "SUBACK #1", "UNSUBACK #2"
				for i := range count {
					filter := fmt.Sprintf("many/%d", i)
					if i%100 == 50 {
						filter += "/++"
						suback, unsuback = suback+" 8f", unsuback+" 8f"
					} else {
						suback, unsuback = suback+" 00", unsuback+" 00"
					}
					subscribe.Subscriptions = append(subscribe.Subscriptions, mqtt.Subscription{Filter: filter})
					unsubscribe.Filters = append(unsubscribe.Filters, filter)
				}
				before := k.stream.count()
				p.send(subscribe)
				got := p.take() // messages may come before SUBACK, as MQTT has it
				slices.Sort(got)
				if want := []string{`PUBLISH many/0 "kept" retain`, `PUBLISH many/998 "kept" retain`, suback}; !slices.Equal(got, want) {
					t.Fatalf("got %q", got)
				}
				if n := k.stream.count() - before; kind == "lasting" && n < 3 {
					t.Errorf("all filters came in %d transactions", n)
				}
				for _, i := range []int{0, 255, 256, 257, 700, count - 1} {
					p.publish(fmt.Sprintf("many/%d", i), "live", 0, 0)
					p.gets(fmt.Sprintf(`PUBLISH many/%d "live"`, i))
				}
				p.send(unsubscribe)
				p.gets(unsuback)
				p.publish("many/7", "live", 0, 0)
				p.send(unsubscribe)
				p.gets(strings.ReplaceAll(unsuback, " 00", " 11"))
			})
		})
	}
}

// TestManySubscriptionsGoWithTheirClient: the node keeps none of them.
func TestManySubscriptionsGoWithTheirClient(t *testing.T) {
	play(t, broker.Config{SystemInterval: time.Hour}, func(k *kit) {
		p, other := k.join("client", mqtt.V5), k.join("other", mqtt.V5)
		for i := range 1000 {
			p.subscribe(fmt.Sprintf("many/%d", i))
		}
		p.hangUp()
		k.settle()
		other.ask(1, mqtt.Subscription{Filter: "$SYS/broker/subscriptions/local"})
		other.gets("SUBACK #1 00", `PUBLISH $SYS/broker/subscriptions/local "1" retain`)
	})
}
