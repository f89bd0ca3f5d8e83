package broker_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// FuzzClient throws bytes at a broker, as a connection's first and as those of a client that is connected, and looks
// whether another client is still served and nothing is left behind.
func FuzzClient(f *testing.F) {
	seed := func(connected bool, packets ...mqtt.Packet) {
		var b []byte
		for _, p := range packets {
			b = p.Append(b, mqtt.V5)
		}
		f.Add(connected, byte(2), b)
	}
	seed(false, &mqtt.Connect{Version: mqtt.V5, ClientID: "x", Will: &mqtt.Will{Topic: "w", QoS: 2, Retain: true}})
	seed(false, &mqtt.Connect{Version: mqtt.V311, ClientID: "witness"})
	seed(true,
		&mqtt.Subscribe{PacketID: 1, SubscriptionID: 9, Subscriptions: []mqtt.Subscription{{Filter: "#", QoS: 2}}},
		&mqtt.Publish{Topic: "a/b", QoS: 2, PacketID: 5, Retain: true, HasExpiry: true, Expiry: 3, TopicAlias: 1},
		&mqtt.Pubrel{PacketID: 5},
		&mqtt.Publish{TopicAlias: 1, QoS: 1, PacketID: 6, Payload: []byte("x")},
		&mqtt.Puback{PacketID: 1}, &mqtt.Pubrec{PacketID: 1}, &mqtt.Pubcomp{PacketID: 1},
		&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"#"}},
		&mqtt.Pingreq{}, &mqtt.Disconnect{Code: mqtt.DisconnectWithWill},
	)
	f.Fuzz(func(t *testing.T, connected bool, version byte, input []byte) {
		play(t, broker.Config{MaxPacketSize: 1 << 16, MaxQueueMessages: 100}, func(k *kit) {
			p := k.dial("fuzz", []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5}[version%3])
			if connected {
				p.connect()
			}
			p.raw(input...)
			k.settle()

			witness := k.join("witness", mqtt.V5)
			witness.ask(1, mqtt.Subscription{Filter: "served"})
			witness.publish("served", "yes", 0, 0)
			k.settle()
			if got := witness.take(); got[len(got)-1] != `PUBLISH served "yes"` {
				t.Fatalf("the witness got %q", got)
			}
		})
	})
}
