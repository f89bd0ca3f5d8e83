package broker_test

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// whoWaits are the ways in which a reader is held up. Each is done by a client of its own, which was let in.
var whoWaits = []struct {
	name    string
	version mqtt.Version
	do      func(k *kit, p *peer)
}{
	{"in the midst of a packet", mqtt.V5, func(_ *kit, p *peer) { p.raw(0x30, 100, 0) }},
	{"until its answers are read", mqtt.V5, func(_ *kit, p *peer) {
		p.set(func() { p.deaf = true })
		p.raw(bytes.Repeat([]byte{0xc0, 0}, 100_000)...)
	}},
	{"until its publishes are answered", mqtt.V311, func(k *kit, p *peer) {
		k.stream.freeze()
		p.publish("a", "", 1, 1)
		p.publish("a", "", 1, 2)
	}},
	{"until its publishes are applied", mqtt.V311, func(_ *kit, p *peer) { p.ask(3, mqtt.Subscription{Filter: "a"}) }},
	{"for the apply goroutine", mqtt.V5, func(_ *kit, p *peer) { p.ask(1, mqtt.Subscription{Filter: "a"}) }},
	{"for its rate", mqtt.V5, func(_ *kit, p *peer) {
		for range 10 {
			p.publish("a", "", 0, 0)
		}
	}},
	{"for a place in the stream", mqtt.V5, func(k *kit, p *peer) {
		k.stream.limit(0)
		p.publish("a", "", 0, 0)
	}},
	{"for memory", mqtt.V311, func(_ *kit, p *peer) { p.publish("a", "", 0, 0) }},
}

// TestWhoWaitsHasNoTurn lets one client's packets be handled at a time.
func TestWhoWaitsHasNoTurn(t *testing.T) {
	config := newTown("user", "secret").config()
	config.Readers, config.MaxPublishRate, config.ReceiveMaximum = 1, 1, 1
	play(t, config, func(k *kit) {
		named := func(c *mqtt.Connect) {
			c.HasUsername, c.Username, c.HasPassword, c.Password = true, "user", true, []byte("secret")
		}
		good := k.join("good", mqtt.V311, named)
		waiting := make([]*peer, len(whoWaits))
		for i, w := range whoWaits {
			waiting[i] = k.dial(w.name, w.version)
			waiting[i].connect(named)
		}
		slow := k.dial("slow", mqtt.V5)
		k.settle()
		for i, w := range whoWaits {
			w.do(k, waiting[i])
			good.send(&mqtt.Pingreq{})
			if got := good.take(); len(got) != 1 {
				t.Fatalf("after somebody waits %s, a ping is answered with %v", w.name, got)
			}
		}
		slow.connect(func(c *mqtt.Connect) { c.HasUsername, c.Username = true, "slow" })
		good.send(&mqtt.Pingreq{})
		good.gets("PINGRESP")
	})
}

// writes counts the writes on a connection.
type writes struct {
	net.Conn
	n *atomic.Int64
}

func (w writes) Write(b []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(b)
}

func TestPacketsThatCameTogetherAreAnsweredTogether(t *testing.T) {
	play(t, usual, func(k *kit) {
		var n atomic.Int64
		p := k.attach("client", mqtt.V5, func(c net.Conn) net.Conn { return writes{c, &n} })
		p.connect()
		p.gets("CONNACK 00")
		n.Store(0)
		p.raw(bytes.Repeat([]byte{0xc0, 0}, 1000)...)
		if got := p.take(); len(got) != 1000 || n.Load() > 5 {
			t.Errorf("%d answers in %d pieces", len(got), n.Load())
		}
	})
}

// slowly lets everybody publish, to a/slow after 20 s.
type slowly struct{}

func (slowly) MayPublish(_, _, topic string) bool {
	if topic == "a/slow" {
		time.Sleep(20 * time.Second)
	}
	return true
}

func (slowly) MaySubscribe(_, _, _ string) bool { return true }

// TestAKeepAliveStandsStillWhileAClientWaitsForItsTurn: it stops in the midst of a packet for less than it may in all.
func TestAKeepAliveStandsStillWhileAClientWaitsForItsTurn(t *testing.T) {
	config := usual
	config.Readers, config.Permissions = 1, slowly{}
	play(t, config, func(k *kit) {
		other := k.join("other", mqtt.V5)
		p := k.join("client", mqtt.V5, func(c *mqtt.Connect) { c.KeepAlive = 10 })
		packet := (&mqtt.Publish{Topic: "a", QoS: 1, PacketID: 1, Payload: make([]byte, 10)}).Append(nil, mqtt.V5)
		p.raw(packet[:5]...)
		time.Sleep(5 * time.Second)
		other.publish("a/slow", "", 0, 0)
		k.settle()
		p.raw(packet[5:9]...)
		time.Sleep(25 * time.Second)
		p.raw(packet[9:]...)
		p.gets("PUBACK #1")
	})
}
