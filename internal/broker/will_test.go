package broker_test

import (
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

func withWill(topic string) func(*mqtt.Connect) {
	return func(c *mqtt.Connect) { c.Will = &mqtt.Will{Topic: topic, Payload: []byte("gone"), QoS: 1} }
}

// TestWhenTheWillGoes plays each end of a connection and looks whether the will follows.
func TestWhenTheWillGoes(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(k *kit, p *peer)
		goes bool
		only mqtt.Version
	}{
		{"hang-up", func(_ *kit, p *peer) { p.hangUp() }, true, 0},
		{"goodbye", func(_ *kit, p *peer) { p.send(&mqtt.Disconnect{}) }, false, 0},
		{"goodbye with will", func(_ *kit, p *peer) {
			p.send(&mqtt.Disconnect{Code: mqtt.DisconnectWithWill})
		}, true, mqtt.V5},
		{"breach", func(_ *kit, p *peer) { p.raw(0xf1, 0) }, true, 0},
		{"silence", func(*kit, *peer) { time.Sleep(100 * time.Second) }, true, 0},
		{"takeover", func(k *kit, _ *peer) {
			k.dial("mortal", mqtt.V5).connect()
			time.Sleep(time.Second) // for a goodbye that might have come
		}, true, 0},
		{"takeover elsewhere", func(k *kit, _ *peer) {
			k.stream.elsewhere(0, &replica.Connect{Connection: 1, ClientID: "mortal"})
		}, true, 0},
	} {
		for _, v := range versions {
			if c.only != 0 && c.only != v {
				continue
			}
			t.Run(c.name+" "+v.String(), func(t *testing.T) {
				play(t, usual, func(k *kit) {
					p := k.join("mortal", v, withWill("will"))
					sub := k.join("heir", v, func(c *mqtt.Connect) { c.KeepAlive = 0 })
					sub.subscribe("will")
					c.end(k, p)
					if c.goes {
						sub.gets(`PUBLISH will "gone" q1 #1`)
					} else {
						sub.gets()
					}
				})
			})
		}
	}
}

func TestADeniedWill(t *testing.T) {
	play(t, broker.Config{Permissions: reserved{}}, func(k *kit) {
		for _, v := range versions {
			p := k.dial("client", v)
			p.connect(withWill("private"))
			p.gets("CONNACK 87", "closed")
		}
	})
}

func TestTheWillFollowsWhatTheClientPublished(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("mortal", mqtt.V5, withWill("a")), k.join("heir", mqtt.V5)
		sub.subscribe("a")
		k.stream.freeze()
		k.stream.limit(1)
		p.publish("a", "1", 1, 1)
		p.publish("a", "2", 1, 2) // waits in the backlog
		p.gets()
		p.hangUp()
		k.stream.resume()
		sub.gets(`PUBLISH a "1" q1 #1`, `PUBLISH a "2" q1 #2`, `PUBLISH a "gone" q1 #3`)
	})
}

// The apply goroutine is busy, so that nothing that waits for it can be done between goodbye and the next CONNECT.
func TestNoWillAfterGoodbyeAndBackAtOnce(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p, sub := k.join("mortal", v, withWill("a")), k.join("heir", v)
		sub.subscribe("a")
		free := make(chan struct{})
		go k.stream.Do(func(*replica.Machine) { <-free })
		p.send(&mqtt.Disconnect{})
		k.settle()
		again := k.dial("mortal", v)
		again.connect()
		k.settle()
		close(free)
		again.gets("CONNACK 00")
		p.gets("closed")
		sub.gets()
	})
}
