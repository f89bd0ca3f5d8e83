package broker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// fuzzed is a broker whose every limit can be reached by a few bytes.
var fuzzed = broker.Config{
	MaxPacketSize: 1 << 16, MaxQueueMessages: 100, MaxQueueBytes: 1 << 16, ReceiveMaximum: 4, SendMaximum: 4,
	TopicAliasMaximum: 3, MaxSubscriptions: 5, SystemInterval: 10 * time.Second, StallDispatchLocal: true,
	MaxSessionExpiry: time.Hour,
}

// FuzzClient throws bytes at a broker, as a connection's first and as those of a client that is connected, with a session
// that lasts and one that does not, with a quorum and without. The connection may end or go on; another client must be served, and when both have gone nothing may be
// left behind: neither a connection in the state, nor a goroutine, which the bubble of play would notice.
func FuzzClient(f *testing.F) {
	for _, packets := range fuzzSeeds() {
		var b []byte
		for _, p := range packets {
			b = p.Append(b, mqtt.V5)
		}
		for how := range byte(8) {
			f.Add(how, byte(2), b)
		}
	}
	f.Fuzz(func(t *testing.T, how, version byte, input []byte) {
		play(t, fuzzed, func(k *kit) {
			p := k.dial("fuzz", []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5}[version%3])
			if how&1 != 0 {
				p.connect(func(c *mqtt.Connect) {
					c.TopicAliasMaximum, c.MaximumPacketSize = 2, 1<<12
					if how&4 != 0 {
						c.CleanStart, c.SessionExpiry = false, 600
					}
				})
				k.settle()
			}
			if how&2 != 0 {
				k.stream.stall()
			}
			p.raw(input...)
			k.settle()
			k.stream.resume()
			k.servesAnother()
			time.Sleep(time.Minute)
			p.hangUp()
			k.connections(0)
		})
	})
}

// servesAnother lets a client come, get what it publishes, and leave.
func (k *kit) servesAnother() {
	k.t.Helper()
	p := k.dial("witness", mqtt.V5)
	p.connect()
	p.ask(1, mqtt.Subscription{Filter: "served"})
	p.publish("served", "yes", 0, 0)
	time.Sleep(time.Second) // it may have to take over from the other client
	if got := p.take(); !slices.Contains(got, `PUBLISH served "yes"`) {
		k.t.Fatalf("another client got %q", got)
	}
	p.send(&mqtt.Disconnect{})
	k.settle()
}

func fuzzSeeds() [][]mqtt.Packet {
	text := []byte{1, 1} // payload format indicator
	will := &mqtt.Will{Topic: "served", QoS: 2, Retain: true}
	return [][]mqtt.Packet{
		{&mqtt.Connect{Version: mqtt.V5, ClientID: "x", Will: will}},
		{&mqtt.Connect{Version: mqtt.V5, TopicAliasMaximum: 9, AuthMethod: "m"}},
		{&mqtt.Connect{Version: mqtt.V311, ClientID: "witness"}},
		{&mqtt.Connect{Version: mqtt.V31, ClientID: "x", CleanStart: true}, &mqtt.Pingreq{}},
		{
			&mqtt.Subscribe{PacketID: 1, SubscriptionID: 9, Subscriptions: []mqtt.Subscription{{Filter: "#", QoS: 2}}},
			&mqtt.Publish{Topic: "a/b/c", QoS: 2, PacketID: 5, Retain: true, HasExpiry: true, Expiry: 3, TopicAlias: 1},
			&mqtt.Pubrel{PacketID: 5},
			&mqtt.Publish{TopicAlias: 1, QoS: 1, PacketID: 6, Payload: []byte("x"), Forward: text},
			&mqtt.Puback{PacketID: 1}, &mqtt.Pubrec{PacketID: 1}, &mqtt.Pubcomp{PacketID: 1},
			&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"#"}},
			&mqtt.Pingreq{}, &mqtt.Disconnect{Code: mqtt.DisconnectWithWill},
		},
		{
			&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{
				{Filter: "$SYS/#"}, {Filter: "$share/g/a"}, {Filter: "+/b", NoLocal: true, RetainHandling: 1},
			}},
			&mqtt.Publish{Topic: "a/b", Payload: []byte{0xff}, Forward: text},
		},
		{
			&mqtt.Publish{Topic: "$SYS/x", QoS: 1, PacketID: 1},
			&mqtt.Auth{Code: mqtt.ReAuthenticate, AuthMethod: "m"},
		},
	}
}
