package broker_test

import (
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// A client that has been silent for long is read like any other: its next packets come in pieces, and many at once.
func TestAfterASilence(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		for range 3 {
			time.Sleep(10 * time.Second)
			p.raw(0xc0)
			time.Sleep(2 * time.Second)
			p.gets()
			p.raw(0)
			p.gets("PINGRESP")
			time.Sleep(10 * time.Second)
			p.raw(0xc0, 0, 0xc0, 0, 0xc0)
			p.gets("PINGRESP", "PINGRESP")
			p.raw(0, 0xc0, 0)
			p.gets("PINGRESP", "PINGRESP")
		}
		time.Sleep(10 * time.Second)
		p.hangUp()
		k.connections(0)
	})
}

// The keep alive holds for a client that has never sent anything but CONNECT, and for one that stops in a packet.
func TestSilenceEnds(t *testing.T) {
	play(t, broker.Config{MaxKeepAlive: 10}, func(k *kit) {
		silent, halting := k.dial("silent", mqtt.V5), k.dial("halting", mqtt.V5)
		for _, p := range k.peers {
			p.send(&mqtt.Connect{Version: mqtt.V5, ClientID: p.name, CleanStart: true})
			p.gets("CONNACK 00 keepalive=10")
		}
		time.Sleep(5 * time.Second)
		halting.raw(0xc0)
		time.Sleep(11 * time.Second)
		silent.gets("DISCONNECT 8d", "closed")
		halting.gets("DISCONNECT 8d", "closed")
	})
}
