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

// silent is a keep alive of none, for clients that are not what a test is about.
func silent(c *mqtt.Connect) { c.KeepAlive = 0 }

func TestKeepAlive(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		quiet, alive := k.join("quiet", v), k.join("alive", v)
		for range 3 {
			time.Sleep(40 * time.Second)
			alive.send(&mqtt.Pingreq{})
			alive.gets("PINGRESP")
		}
		quiet.gets(goodbye(v, "DISCONNECT 8d")...)
		alive.gets()
	})
}

func TestKeepAliveTakesOneAndAHalfTimes(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("quiet", mqtt.V5)
		time.Sleep(90 * time.Second)
		p.gets()
		time.Sleep(time.Second)
		p.gets("DISCONNECT 8d", "closed")
	})
}

func TestBytesThatMakeNoPacketDoNotKeepAlive(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("trickle", mqtt.V5)
		p.raw(0x30, 0x7f)
		for range 91 {
			time.Sleep(time.Second)
			p.raw(0)
		}
		p.gets("DISCONNECT 8d", "closed")
	})
}

func TestKeepAliveStandsStillWhileWeDoNotRead(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("paused", mqtt.V311)
		k.stream.freeze()
		k.stream.limit(0)
		p.publish("a", "x", 0, 0)
		time.Sleep(time.Hour)
		p.gets()
		k.stream.limit(1)
		k.stream.resume()
		time.Sleep(80 * time.Second)
		p.send(&mqtt.Pingreq{})
		p.gets("PINGRESP")
	})
}

func TestWithoutKeepAliveNothingEnds(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("statue", mqtt.V311, silent)
		time.Sleep(24 * time.Hour)
		p.send(&mqtt.Pingreq{})
		p.gets("PINGRESP")
	})
}

func TestASlowReaderAtQoS0MissesMessages(t *testing.T) {
	play(t, broker.Config{MaxQueueMessages: 10}, func(k *kit) {
		p, slow, quick := k.join("pub", mqtt.V5), k.join("slow", mqtt.V5), k.join("quick", mqtt.V5)
		slow.subscribe("#")
		quick.subscribe("#")
		slow.set(func() { slow.deaf = true })
		for i := range 100 {
			p.publish("a", fmt.Sprint(i), 0, 0)
			quick.gets(fmt.Sprintf(`PUBLISH a "%d"`, i))
		}
		slow.set(func() { slow.deaf = false })
		got := slow.take()
		if len(got) < 10 || len(got) > 20 || k.broker.Stats().QueueDropped != uint64(100-len(got)) {
			k.t.Fatalf("got %d, %d dropped", len(got), k.broker.Stats().QueueDropped)
		}
		p.publish("a", "again", 0, 0)
		slow.gets(`PUBLISH a "again"`)
	})
}

func TestASlowReaderAboveQoS0IsClosed(t *testing.T) {
	for _, v := range versions {
		play(t, broker.Config{MaxQueueMessages: 3, SendMaximum: 2}, func(k *kit) {
			p, slow, quick := k.join("pub", v), k.join("slow", v), k.join("quick", v)
			slow.subscribe("#")
			quick.subscribe("#")
			for id := range uint16(6) { // two in the window and three in the queue; the sixth has no place
				p.publish("a", "x", 1, id+1)
				p.gets(fmt.Sprintf("PUBACK #%d", id+1))
				quick.puback(id + 1)
			}
			slow.gets(append([]string{`PUBLISH a "x" q1 #1`, `PUBLISH a "x" q1 #2`}, goodbye(v, "DISCONNECT 97")...)...)
			if got := quick.take(); len(got) != 6 {
				k.t.Fatalf("the other one got %v", got)
			}
			if n := k.broker.Stats().SlowReaders; n != 1 {
				k.t.Fatalf("%d slow readers", n)
			}
		})
	}
}

func TestAReaderThatNeverReadsIsGivenUp(t *testing.T) {
	play(t, broker.Config{WriteTimeout: 30 * time.Second}, func(k *kit) {
		p, dead := k.join("pub", mqtt.V5, silent), k.join("dead", mqtt.V5, silent)
		dead.subscribe("#")
		dead.set(func() { dead.deaf = true })
		p.publish("a", "x", 0, 0)
		k.settle() // a pipe has no buffer, but the peer was reading already
		p.publish("a", "y", 0, 0)
		time.Sleep(29 * time.Second)
		k.connections(2)
		time.Sleep(2 * time.Second)
		k.connections(1)
		if n := k.broker.Stats().SlowReaders; n != 1 {
			k.t.Fatalf("%d slow readers", n)
		}
	})
}

func TestAClientThatDoesNotReadItsAnswersIsNotReadOn(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("flood", mqtt.V5)
		p.set(func() { p.deaf = true })
		for range 100_000 {
			p.send(&mqtt.Pingreq{})
		}
		p.gets()
		p.set(func() { p.deaf = false })
		if n := len(p.take()); n != 100_000 {
			k.t.Fatalf("%d answers", n)
		}
	})
}

func TestRefusalsThatAreNotReadAreBounded(t *testing.T) {
	play(t, broker.Config{Permissions: reserved{}}, func(k *kit) {
		p := k.join("flood", mqtt.V5)
		p.set(func() { p.deaf = true })
		for range 100_000 {
			p.publish("private", "x", 1, 1)
		}
		k.settle()
		if n := k.broker.Stats().Received; n > 50_000 {
			k.t.Fatalf("%d publishes read", n)
		}
		p.set(func() { p.deaf = false })
		if n := len(p.take()); n != 100_000 {
			k.t.Fatalf("%d answers", n)
		}
	})
}

func TestTheClientsMaximumPacketSize(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("pub", mqtt.V5)
		sub := k.join("small", mqtt.V5, func(c *mqtt.Connect) { c.MaximumPacketSize = 20 })
		p.send(&mqtt.Publish{Topic: "a", Payload: make([]byte, 100), Retain: true})
		sub.subscribe("#")
		p.send(&mqtt.Publish{Topic: "a", Payload: make([]byte, 100), QoS: 1, PacketID: 1})
		p.publish("a", "fits", 1, 2)
		sub.gets(`PUBLISH a "fits" q1 #1`)
		if n := k.broker.Stats().Oversized; n != 2 {
			k.t.Fatalf("%d oversized", n)
		}
	})
}

func TestNoAnswerIsTooLargeForTheClient(t *testing.T) {
	atMost := func(size uint32) func(*mqtt.Connect) {
		return func(c *mqtt.Connect) { c.MaximumPacketSize = size }
	}
	play(t, usual, func(k *kit) {
		p := k.dial("tiny", mqtt.V5)
		p.connect(atMost(5))
		p.gets("CONNACK 95", "closed")

		p = k.dial("mute", mqtt.V5)
		p.connect(atMost(4))
		p.gets("closed")

		p = k.join("small", mqtt.V5, atMost(20))
		p.ask(1, make([]mqtt.Subscription, 15)...)
		p.gets("SUBACK #1" + strings.Repeat(" 8f", 15))
		p.ask(1, make([]mqtt.Subscription, 16)...)
		p.gets("DISCONNECT 95", "closed")
	})
}

func TestMalformedPacketsEndTheirConnectionOnly(t *testing.T) {
	play(t, broker.Config{MaxPacketSize: 1000}, func(k *kit) {
		witness := k.join("witness", mqtt.V5)
		for _, c := range []struct {
			name  string
			bytes []byte
			code  string
		}{
			{"type 0", []byte{0x00, 0}, "81"},
			{"reserved flags", []byte{0xc1, 0}, "81"},
			{"remaining length of five bytes", []byte{0x30, 0xff, 0xff, 0xff, 0xff, 1}, "81"},
			{"too large", []byte{0x30, 0xff, 0x7f}, "95"},
			{"QoS 3", []byte{0x36, 5, 0, 1, 'a', 0, 1, 0}, "81"},
			{"packet identifier 0", []byte{0x32, 6, 0, 1, 'a', 0, 0, 0}, "82"},
			{"wildcard in a topic name", []byte{0x30, 4, 0, 1, '#', 0}, "90"},
			{"subscription identifier from a client", []byte{0x30, 6, 0, 1, 'a', 2, 0x0b, 1}, "82"},
			{"SUBSCRIBE without a filter", []byte{0x82, 3, 0, 1, 0}, "82"},
			{"CONNACK", []byte{0x20, 3, 0, 0, 0}, "82"},
			{"AUTH", []byte{0xf0, 0}, "82"},
		} {
			for _, v := range versions {
				if v != mqtt.V5 && c.name == "subscription identifier from a client" {
					continue // these bytes are a payload then
				}
				p := k.join(c.name, v)
				p.raw(c.bytes...)
				if got, want := p.take(), goodbye(v, "DISCONNECT "+c.code); !slices.Equal(got, want) {
					k.t.Errorf("%s: got %v, want %v", c.name, got, want)
				}
			}
		}
		witness.send(&mqtt.Pingreq{})
		witness.gets("PINGRESP")
	})
}

func TestASessionCannotBeProlongedAtTheEnd(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.send(&mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: 10})
		p.gets("DISCONNECT 82", "closed")
	})
}

func TestTheLargestPayloads(t *testing.T) {
	play(t, usual, func(k *kit) {
		for _, v := range versions {
			p := k.join("client", v)
			p.publish(strings.Repeat("t", 65535), string(make([]byte, 8<<20)), 1, 1)
			p.gets("PUBACK #1")
		}
	})
}

func TestTheLongestClientIDs(t *testing.T) {
	play(t, usual, func(k *kit) {
		for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
			p := k.join(strings.Repeat("x", 65534)+string(rune('0'+v)), v)
			p.publish("a", "x", 1, 1)
			p.gets("PUBACK #1")
		}
		k.connections(3)
	})
}

// TestNoExplanationsForWhoWantsNone plays what is refused to a client that asked for no problem information: none of
// the answers may explain itself [MQTT-3.1.2-29]. To one that asked for response information nothing is promised, for
// there is no part of the topics that is its own.
func TestNoExplanationsForWhoWantsNone(t *testing.T) {
	play(t, broker.Config{Permissions: reserved{}}, func(k *kit) {
		p := k.dial("terse", mqtt.V5)
		p.connect(func(c *mqtt.Connect) { c.NoProblemInfo, c.RequestResponseInfo = true, true })
		p.gets("CONNACK 00")
		p.publish("private", "x", 1, 1)
		p.publish("private", "x", 2, 2)
		p.pubrel(7)
		p.pubrec(8)
		p.ask(1, mqtt.Subscription{Filter: "a/#/b"}, mqtt.Subscription{Filter: "private"})
		p.send(&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"none"}})
		p.gets("PUBACK #1 87", "PUBREC #2 87", "PUBCOMP #7 92", "PUBREL #8 92", "SUBACK #1 8f 87", "UNSUBACK #2 11")
	})
}
