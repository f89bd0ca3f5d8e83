package broker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// generous lets sessions outlive their connections by a day.
var generous = broker.Config{MaxSessionExpiry: 24 * time.Hour}

// inVersionsLasting is inVersions with sessions that last.
func inVersionsLasting(t *testing.T, script func(k *kit, v mqtt.Version)) {
	t.Helper()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			play(t, generous, func(k *kit) { script(k, v) })
		})
	}
}

// for1h asks for a session that outlives its connection: by an hour in MQTT 5, and in MQTT 3.1.1 by as long as can be.
func for1h(c *mqtt.Connect) {
	c.CleanStart = false
	if c.Version == mqtt.V5 {
		c.SessionExpiry = 3600
	}
}

// begin makes a lasting session, and come goes on with one.
func (k *kit) begin(name string, v mqtt.Version, change ...func(*mqtt.Connect)) *peer {
	k.t.Helper()
	return k.join(name, v, append([]func(*mqtt.Connect){for1h}, change...)...)
}

func (k *kit) come(name string, v mqtt.Version, change ...func(*mqtt.Connect)) *peer {
	p := k.dial(name, v)
	p.connect(append([]func(*mqtt.Connect){for1h}, change...)...)
	return p
}

const present = "CONNACK 00 session present"

func TestASessionOutlivesItsConnection(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p, pub := k.begin("client", v), k.join("pub", v)
		p.subscribe("a/#")
		p.hangUp()
		k.settle()
		pub.publish("a/1", "zero", 0, 0)
		pub.publish("a/1", "one", 1, 1)
		pub.publish("b", "other", 1, 2)
		pub.publish("a/2", "two", 2, 3)
		k.settle()
		p = k.come("client", v)
		p.gets(present, `PUBLISH a/1 "one" q1 #1`, `PUBLISH a/2 "two" q2 #2`)
		pub.publish("a/3", "live", 0, 0)
		pub.publish("a/3", "live", 1, 4)
		p.gets(`PUBLISH a/3 "live"`, `PUBLISH a/3 "live" q1 #3`)
	})
}

func TestWhatIsUnfinishedComesAgainInOrder(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p, pub := k.begin("client", v), k.join("pub", v)
		p.subscribe("a")
		for id := range uint16(6) {
			pub.publish("a", fmt.Sprint(id+1), 1+byte(id)%2, id+1)
		}
		p.gets(`PUBLISH a "1" q1 #1`, `PUBLISH a "2" q2 #2`, `PUBLISH a "3" q1 #3`, `PUBLISH a "4" q2 #4`,
			`PUBLISH a "5" q1 #5`, `PUBLISH a "6" q2 #6`)
		p.puback(3)
		p.pubrec(4)
		p.gets("PUBREL #4")
		p.pubrec(6)
		p.gets("PUBREL #6")
		p.pubcomp(6)
		k.settle()
		p.hangUp()
		k.settle()
		pub.publish("a", "7", 1, 7)
		p = k.come("client", v)
		p.gets(present, `PUBLISH a "1" q1 #1 dup`, `PUBLISH a "2" q2 #2 dup`, "PUBREL #4", `PUBLISH a "5" q1 #5 dup`,
			`PUBLISH a "7" q1 #7`)
		p.pubcomp(4)
		p.pubrec(2)
		p.gets("PUBREL #2")
		p.pubcomp(2)
		for _, id := range []uint16{1, 5, 7} {
			p.puback(id)
		}
		time.Sleep(time.Second)
		p.hangUp()
		k.settle()
		k.come("client", v).gets(present)
	})
}

func TestTheWindowHoldsAcrossAReconnect(t *testing.T) {
	play(t, generous, func(k *kit) {
		p, pub := k.begin("client", mqtt.V5), k.join("pub", mqtt.V5)
		p.subscribe("a")
		pub.publish("a", "1", 2, 1)
		pub.publish("a", "2", 1, 2)
		pub.publish("a", "3", 1, 3)
		p.take()
		p.pubrec(1)
		p.gets("PUBREL #1")
		p.hangUp()
		k.settle()
		p = k.come("client", mqtt.V5, receiveMaximum(1))
		p.gets(present, "PUBREL #1")
		p.pubcomp(1)
		p.gets(`PUBLISH a "2" q1 #2 dup`)
		p.puback(2)
		p.gets(`PUBLISH a "3" q1 #3 dup`)
		pub.publish("a", "4", 1, 4)
		pub.publish("a", "5", 0, 0)
		p.gets()
		p.puback(3)
		p.gets(`PUBLISH a "4" q1 #4`, `PUBLISH a "5"`)
	})
}

func TestPubrelWaitsForTheOrder(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p := k.begin("client", v)
		p.subscribe("a")
		p.publish("a", "x", 2, 1)
		p.gets("PUBREC #1", `PUBLISH a "x" q2 #1`)
		k.stream.freeze()
		p.pubrec(1)
		p.pubrec(1)
		p.gets()
		k.stream.resume()
		p.gets("PUBREL #1")
		p.pubrec(1)
		p.gets("PUBREL #1")
	})
}

// A reconnect anywhere finds that PUBLISH and PUBREL were taken in.
func TestQoS2FromTheClientAcrossReconnects(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p, sub := k.begin("client", v), k.join("sub", v)
		sub.subscribe("a")
		p.publish("a", "x", 2, 7)
		p.gets("PUBREC #7")
		p.hangUp()
		k.settle()
		p = k.come("client", v)
		p.publish("a", "x", 2, 7)
		p.gets(present, "PUBREC #7")
		sub.gets(`PUBLISH a "x" q2 #1`)
		p.pubrel(7)
		p.gets("PUBCOMP #7")
		p.hangUp()
		k.settle()
		p = k.come("client", v)
		p.pubrel(7)
		if v == mqtt.V5 {
			p.gets(present, "PUBCOMP #7 92")
		} else {
			p.gets(present, "PUBCOMP #7")
		}
		p.publish("a", "y", 2, 7)
		p.gets("PUBREC #7")
		sub.gets(`PUBLISH a "y" q2 #2`)
	})
}

func TestPubcompWaitsForTheOrder(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p := k.begin("client", v)
		p.publish("a", "x", 2, 1)
		p.gets("PUBREC #1")
		k.stream.freeze()
		p.pubrel(1)
		p.gets()
		k.stream.resume()
		p.gets("PUBCOMP #1")
	})
}

func TestAcknowledgementsAreReportedInBatches(t *testing.T) {
	play(t, generous, func(k *kit) {
		p, pub := k.begin("client", mqtt.V5, silent), k.join("pub", mqtt.V5, silent)
		p.subscribe("a")
		for id := range uint16(100) {
			pub.publish("a", "x", 1, id+1)
		}
		p.take()
		time.Sleep(time.Second)
		before := k.stream.count()
		orders := func(wait time.Duration, want uint64) {
			k.t.Helper()
			time.Sleep(wait)
			k.settle()
			if n := k.stream.count() - before; n != want {
				k.t.Fatalf("%d transactions after %v, want %d", n, wait, want)
			}
		}
		p.puback(1)
		orders(0, 1)
		for id := uint16(2); id <= 100; id++ {
			p.puback(id)
		}
		orders(99*time.Millisecond, 1)
		orders(time.Millisecond, 2)
		orders(time.Minute, 2)
		if n := k.queued(); n != 0 {
			k.t.Fatalf("%d deliveries in the state", n)
		}
	})
}

// A client that waits for us to close the connection may go to any node then.
func TestAGoodbyeIsOrderedBeforeTheConnectionIsClosed(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p := k.begin("client", v)
		k.stream.freeze()
		p.send(&mqtt.Disconnect{})
		p.gets()
		k.stream.resume()
		p.gets("closed")
		p = k.come("client", v)
		p.gets(present)
		k.stream.freeze()
		p.send(&mqtt.Disconnect{})
		time.Sleep(5 * time.Second) // not for ever
		p.gets("closed")
	})
}

func TestTheLastAcknowledgementsAreReportedBeforeTheEnd(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p := k.begin("client", v)
		p.subscribe("a")
		p.publish("a", "x", 1, 1)
		p.gets("PUBACK #1", `PUBLISH a "x" q1 #1`)
		p.puback(1)
		p.send(&mqtt.Disconnect{})
		p.gets("closed")
		k.come("client", v).gets(present)
	})
}

func TestSubscriptionsOfALastingSessionAreOrdered(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p := k.begin("client", v)
		k.stream.freeze()
		p.ask(1, mqtt.Subscription{Filter: "a"}, mqtt.Subscription{Filter: "a/#/b"}, mqtt.Subscription{Filter: "b", QoS: 1})
		p.gets()
		k.stream.resume()
		if v == mqtt.V5 {
			p.gets("SUBACK #1 00 8f 01")
		} else {
			p.gets("SUBACK #1 00 80 01")
		}
		k.stream.freeze()
		p.send(&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"c", "b", "#b"}})
		p.gets()
		k.stream.resume()
		if v == mqtt.V5 {
			p.gets("UNSUBACK #2 11 00 8f")
		} else {
			p.gets("UNSUBACK #2")
		}
		p.publish("a", "x", 1, 1)
		p.publish("b", "x", 1, 2)
		p.gets("PUBACK #1", "PUBACK #2", `PUBLISH a "x"`)
	})
}

func TestRetainedMessagesForALastingSession(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p, pub := k.begin("client", v), k.join("pub", v)
		pub.retain("a/2", "zero")
		pub.send(&mqtt.Publish{Topic: "a/1", Payload: []byte("one"), Retain: true, QoS: 1, PacketID: 1})
		k.settle()
		p.ask(1, mqtt.Subscription{Filter: "a/+", QoS: 2})
		p.gets("SUBACK #1 02", `PUBLISH a/1 "one" q1 #1 retain`, `PUBLISH a/2 "zero" retain`)
		p.hangUp()
		k.settle()
		k.come("client", v).gets(present, `PUBLISH a/1 "one" q1 #1 retain dup`)
	})
}

func TestTakeoverOfALastingSession(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		first, pub := k.begin("me", v), k.join("pub", v)
		first.subscribe("a")
		pub.publish("a", "x", 1, 1)
		first.gets(`PUBLISH a "x" q1 #1`)
		second := k.come("me", v)
		time.Sleep(time.Second) // for a goodbye that might have come
		second.gets(present, `PUBLISH a "x" q1 #1 dup`)
		first.gets(goodbye(v, "DISCONNECT 8e")...)
		k.stream.elsewhere(0, &replica.Connect{Connection: 1, ClientID: "me", Expiry: 100})
		second.gets(goodbye(v, "DISCONNECT 8e")...)
		pub.publish("a", "y", 1, 2)
		k.settle()
		k.stream.elsewhere(1, &replica.End{Connection: 1})
		k.come("me", v).gets(present, `PUBLISH a "x" q1 #1 dup`, `PUBLISH a "y" q1 #2 dup`)
	})
}

func TestCleanStartEndsWhatIsStored(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		p := k.begin("client", v)
		p.subscribe("a")
		p.hangUp()
		k.settle()
		p = k.join("client", v)
		p.publish("a", "x", 1, 1)
		p.gets("PUBACK #1")
		p.hangUp()
		k.settle()
		k.begin("client", v)
	})
}

func TestSessionExpiry(t *testing.T) {
	for _, c := range []struct {
		name   string
		asked  uint32
		ends   *mqtt.Disconnect
		after  time.Duration
		stored bool
	}{
		{"not yet", 60, nil, 59 * time.Second, true},
		{"over", 60, nil, 61 * time.Second, false},
		{"longer than allowed", replica.Never, nil, 25 * time.Hour, false},
		{"prolonged at the end", 60, &mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: 600}, 599 * time.Second, true},
		{"ended at the end", 60, &mqtt.Disconnect{HasSessionExpiry: true}, 0, false},
		{"prolonged too far", 60, &mqtt.Disconnect{HasSessionExpiry: true, SessionExpiry: replica.Never}, 25 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, generous, func(k *kit) {
				p := k.dial("client", mqtt.V5)
				p.connect(func(m *mqtt.Connect) { m.CleanStart, m.SessionExpiry = false, c.asked })
				p.take()
				if c.ends != nil {
					p.send(c.ends)
				} else {
					p.hangUp()
				}
				k.settle()
				time.Sleep(c.after)
				p = k.dial("client", mqtt.V5)
				p.connect(func(m *mqtt.Connect) { m.CleanStart = false })
				if c.stored {
					p.gets(present)
				} else {
					p.gets("CONNACK 00")
				}
			})
		})
	}
}

func TestTheClientIsToldItsSessionExpiry(t *testing.T) {
	play(t, generous, func(k *kit) {
		for _, c := range []struct {
			asked uint32
			want  string
		}{
			{0, "CONNACK 00"},
			{3600, "CONNACK 00"},
			{86400, "CONNACK 00"},
			{86401, "CONNACK 00 expiry=86400"},
			{replica.Never, "CONNACK 00 expiry=86400"},
		} {
			p := k.dial(fmt.Sprint(c.asked), mqtt.V5)
			p.connect(func(m *mqtt.Connect) { m.SessionExpiry = c.asked })
			p.gets(c.want)
		}
	})
}

// A session without expiry that goes on ends with this connection.
func TestTheLastConnectionOfASession(t *testing.T) {
	play(t, generous, func(k *kit) {
		p := k.begin("client", mqtt.V5)
		p.subscribe("a")
		p.hangUp()
		k.settle()
		last := func(m *mqtt.Connect) { m.CleanStart = false }
		p = k.dial("client", mqtt.V5)
		p.connect(last)
		p.gets(present)
		p.hangUp()
		k.settle()
		p = k.dial("client", mqtt.V5)
		p.connect(last)
		p.gets("CONNACK 00")
	})
}

func TestTheWillsDelay(t *testing.T) {
	delayed := func(c *mqtt.Connect) { withWill("will")(c); c.Will.Delay = 10 }
	play(t, generous, func(k *kit) {
		p, sub := k.begin("mortal", mqtt.V5, delayed), k.join("heir", mqtt.V5, silent)
		sub.subscribe("will")
		p.hangUp()
		time.Sleep(9 * time.Second)
		k.stream.tick()
		sub.gets()
		p = k.come("mortal", mqtt.V5, delayed)
		p.gets(present)
		time.Sleep(time.Minute)
		k.stream.tick()
		sub.gets() // it came back in time [MQTT-3.1.3-9]
		p.hangUp()
		time.Sleep(10 * time.Second)
		k.stream.tick()
		sub.gets(`PUBLISH will "gone" q1 #1`)
	})
}

func TestAQueueThatIsFullClosesTheConnection(t *testing.T) {
	inVersionsLasting(t, func(k *kit, v mqtt.Version) {
		limits := replica.DefaultLimits
		limits.Queue = 2
		k.stream.machine = replica.New(2, limits)
		p, pub := k.begin("client", v), k.join("pub", v)
		p.subscribe("a")
		for id := range uint16(3) {
			pub.publish("a", "x", 1, id+1)
			k.settle()
		}
		p.gets(append([]string{`PUBLISH a "x" q1 #1`, `PUBLISH a "x" q1 #2`}, goodbye(v, "DISCONNECT 97")...)...)
		pub.gets("PUBACK #1", "PUBACK #2", "PUBACK #3")
		p = k.come("client", v)
		p.gets(present, `PUBLISH a "x" q1 #1 dup`, `PUBLISH a "x" q1 #2 dup`)
	})
}

func TestWhatALastingSessionIsNotSentIsFinished(t *testing.T) {
	play(t, generous, func(k *kit) {
		small := func(c *mqtt.Connect) { c.MaximumPacketSize = 30; c.ReceiveMaximum = 1 }
		p, pub := k.begin("client", mqtt.V5, small), k.join("pub", mqtt.V5)
		p.subscribe("a")
		pub.publish("a", "1", 1, 1)
		pub.publish("a", "much too large for this client", 2, 2)
		pub.send(&mqtt.Publish{Topic: "a", QoS: 1, PacketID: 3, HasExpiry: true, Expiry: 5})
		pub.publish("a", "4", 1, 4)
		time.Sleep(5 * time.Second)
		p.gets(`PUBLISH a "1" q1 #1`)
		p.puback(1)
		p.gets(`PUBLISH a "4" q1 #4`)
		p.puback(4)
		time.Sleep(time.Second)
		if n := k.queued(); n != 0 {
			k.t.Fatalf("%d deliveries in the state", n)
		}
	})
}

// queued returns how many deliveries the state machine holds.
func (k *kit) queued() (n int) {
	_ = k.stream.Do(func(m *replica.Machine) { n = m.Counts().Queued })
	return n
}

func TestASharedSubscriptionOfLocalSessions(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		a, b, pub := k.join("a", v), k.join("b", v), k.join("pub", v)
		a.subscribe("$share/g/t/#", "own")
		b.subscribe("$share/g/t/#")
		pub.publish("own", "0", 1, 9)
		pub.publish("t/1", "1", 1, 1)
		pub.publish("t/2", "2", 2, 2)
		pub.publish("t/3", "3", 0, 3)
		a.gets(`PUBLISH own "0" q1 #1`, `PUBLISH t/1 "1" q1 #2`, `PUBLISH t/3 "3"`)
		b.gets(`PUBLISH t/2 "2" q2 #1`)
		b.pubrec(1)
		b.gets("PUBREL #1")
		b.pubcomp(1)
		a.puback(1)
		a.hangUp()
		k.settle()
		b.gets(`PUBLISH t/1 "1" q1 #2`)
		b.puback(2)
		time.Sleep(time.Second)
		if n := k.queued(); n != 0 {
			k.t.Fatalf("%d deliveries in the state", n)
		}
		b.send(&mqtt.Unsubscribe{PacketID: 5, Filters: []string{"$share/g/t/#"}})
		b.take()
		pub.publish("t/1", "nobody", 1, 3)
		b.gets()
	})
}

func TestOneSubscribeForOwnAndSharedFilters(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		k.stream.freeze()
		p.ask(1, mqtt.Subscription{Filter: "own"}, mqtt.Subscription{Filter: "$share/g/t", QoS: 1})
		p.gets()
		k.stream.resume()
		p.gets("SUBACK #1 00 01")
		p.send(&mqtt.Unsubscribe{PacketID: 2, Filters: []string{"$share/g/t", "own", "$share/g/own"}})
		p.gets("UNSUBACK #2 00 00 11")
	})
}

// While the stream is full, what a client asks for waits behind what it has published, and it is read on.
func TestALastingSessionWhileTheStreamIsFull(t *testing.T) {
	play(t, generous, func(k *kit) {
		p := k.begin("client", mqtt.V5)
		k.stream.freeze()
		k.stream.limit(0)
		p.publish("a", "x", 1, 1)
		p.ask(2, mqtt.Subscription{Filter: "a"})
		p.publish("a", "y", 1, 3)
		p.send(&mqtt.Pingreq{})
		p.gets("PINGRESP")
		k.stream.limit(10)
		k.stream.resume()
		p.gets("PUBACK #1", "SUBACK #2 00", "PUBACK #3", `PUBLISH a "y"`)
	})
}

// Without a quorum a client without clean start is let in if nothing is stored for it.
func TestWithoutQuorumAndWithoutCleanStart(t *testing.T) {
	local := func(c *mqtt.Connect) { c.CleanStart = false }
	play(t, generous, func(k *kit) {
		k.begin("stored", mqtt.V5).hangUp()
		k.settle()
		k.stream.stall()
		p, q := k.join("new", mqtt.V5, local), k.dial("stored", mqtt.V5)
		q.connect(local)
		time.Sleep(11 * time.Second)
		q.gets("CONNACK 88", "closed")
		k.stream.elsewhere(0, &replica.Connect{Connection: 1, ClientID: "new", Expiry: 100})
		k.stream.elsewhere(1, &replica.End{Connection: 1})
		p.subscribe("a")
		k.stream.resume()
		p.publish("a", "x", 1, 1)
		p.gets("PUBACK #1", `PUBLISH a "x" q1 #1`)
	})
}

// TestPubrelDoesNotWaitForTheReceiveMaximum: only PUBLISH does [MQTT-3.3.4-10].
func TestPubrelDoesNotWaitForTheReceiveMaximum(t *testing.T) {
	play(t, generous, func(k *kit) {
		p, pub := k.begin("client", mqtt.V5), k.join("pub", mqtt.V5)
		p.subscribe("a")
		pub.publish("a", "1", 1, 1)
		pub.publish("a", "2", 2, 2)
		pub.publish("a", "3", 2, 3)
		p.take()
		p.pubrec(2)
		p.gets("PUBREL #2")
		p.hangUp()
		k.settle()
		p = k.come("client", mqtt.V5, receiveMaximum(1))
		p.gets(present, `PUBLISH a "1" q1 #1 dup`, "PUBREL #2")
	})
}

// TestARepeatedPublishIsNotRefused, whatever has become of permissions since the stream took it: the packet identifier would
// be free for the client [MQTT-4.3.3-10], and the next message with it would be taken for this one.
func TestARepeatedPublishIsNotRefused(t *testing.T) {
	but := &denied{}
	config := generous
	config.Permissions = but
	play(t, config, func(k *kit) {
		sub := k.join("sub", mqtt.V5)
		sub.subscribe("#")
		p := k.begin("client", mqtt.V5)
		p.publish("a", "1", 2, 1)
		p.gets("PUBREC #1")
		sub.gets(`PUBLISH a "1" q2 #1`)
		p.hangUp()
		k.settle()
		but.topic = "a"
		p = k.come("client", mqtt.V5)
		p.gets(present)
		p.send(&mqtt.Publish{Topic: "a", Payload: []byte("1"), QoS: 2, PacketID: 1, Dup: true})
		p.gets("PUBREC #1")
		p.pubrel(1)
		p.gets("PUBCOMP #1")
		p.publish("b", "2", 2, 1)
		p.gets("PUBREC #1")
		sub.gets(`PUBLISH b "2" q2 #2`)
		p.pubrel(1)
		p.gets("PUBCOMP #1")
		p.publish("a", "3", 2, 1)
		p.gets("PUBREC #1 87")
	})
}

// denied lets everybody do everything but publish to a topic.
type denied struct{ topic string }

func (d *denied) MayPublish(_, _, topic string) bool { return topic != d.topic }
func (d *denied) MaySubscribe(_, _, _ string) bool   { return true }
