package broker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/broker"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// inVersions plays a script in each version that knows the behaviour.
func inVersions(t *testing.T, script func(k *kit, v mqtt.Version)) {
	t.Helper()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			play(t, broker.Config{}, func(k *kit) { script(k, v) })
		})
	}
}

func TestPublishAtEveryQoS(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		alice, bob := k.join("alice", v), k.join("bob", v)
		bob.subscribe("a/+")

		alice.publish("a/b", "zero", 0, 0)
		alice.publish("a/b", "one", 1, 7)
		alice.publish("a/b", "two", 2, 8)
		alice.gets("PUBACK #7", "PUBREC #8")
		bob.gets(`PUBLISH a/b "zero"`, `PUBLISH a/b "one" q1 #1`, `PUBLISH a/b "two" q2 #2`)

		alice.pubrel(8)
		alice.gets("PUBCOMP #8")
		bob.puback(1)
		bob.pubrec(2)
		bob.gets("PUBREL #2")
		bob.pubcomp(2)
		bob.gets()
	})
}

func TestNothingIsAcknowledgedBeforeItIsApplied(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("client", v)
		p.subscribe("#")
		k.stream.freeze()
		p.publish("a", "x", 1, 1)
		p.publish("a", "y", 2, 2)
		p.publish("a", "z", 0, 0)
		p.gets() // not even what it sent itself: there is no short cut
		k.stream.resume()
		p.gets("PUBACK #1", "PUBREC #2", `PUBLISH a "x" q1 #1`, `PUBLISH a "y" q2 #2`, `PUBLISH a "z"`)
	})
}

func TestARepeatedQoS2MessageIsPublishedOnce(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p := k.join("client", v)
		p.subscribe("#")
		p.publish("a", "once", 2, 9)
		p.gets("PUBREC #9", `PUBLISH a "once" q2 #1`)
		p.publish("a", "once", 2, 9)
		p.gets("PUBREC #9")
		p.pubrel(9)
		p.gets("PUBCOMP #9")
		p.publish("a", "another", 2, 9)
		p.gets("PUBREC #9", `PUBLISH a "another" q2 #2`)
	})
}

func TestAcknowledgementsOfUnknownIdentifiers(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("new", mqtt.V5)
		p.pubrel(5)
		p.gets("PUBCOMP #5 92")
		p.pubrec(6)
		p.gets("PUBREL #6 92")
		p.puback(7)
		p.pubcomp(8)
		p.gets()
		old := k.join("old", mqtt.V311)
		old.pubrel(5)
		old.gets("PUBCOMP #5")
		if s := k.broker.Stats(); s.UnknownAcks != 5 {
			k.t.Fatalf("%d unknown acknowledgements", s.UnknownAcks)
		}
	})
}

func TestAnAcknowledgementThatDoesNotFit(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.subscribe("#")
		p.publish("a", "x", 2, 1)
		p.gets("PUBREC #1", `PUBLISH a "x" q2 #1`)
		p.puback(1)
		p.gets("DISCONNECT 82", "closed")
	})
}

func TestARefusedMessageGetsNoPubrel(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5, receiveMaximum(1))
		p.subscribe("#")
		p.publish("a", "x", 2, 1)
		p.gets("PUBREC #1", `PUBLISH a "x" q2 #1`)
		p.publish("a", "y", 2, 2)
		p.gets("PUBREC #2")
		p.send(&mqtt.Pubrec{PacketID: 1, Code: mqtt.UnspecifiedError})
		p.gets(`PUBLISH a "y" q2 #2`)
	})
}

func receiveMaximum(n uint16) func(*mqtt.Connect) {
	return func(c *mqtt.Connect) { c.ReceiveMaximum = n }
}

func TestQoS0DoesNotOvertakeWhatWaitsForTheWindow(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("client", mqtt.V5), k.join("narrow", mqtt.V5, receiveMaximum(1))
		sub.subscribe("#")
		p.publish("a", "1", 1, 1)
		p.publish("a", "2", 2, 2)
		p.publish("a", "3", 0, 0)
		sub.gets(`PUBLISH a "1" q1 #1`)
		sub.puback(1)
		sub.gets(`PUBLISH a "2" q2 #2`, `PUBLISH a "3"`)
	})
}

func TestOurReceiveMaximum(t *testing.T) {
	play(t, broker.Config{ReceiveMaximum: 2}, func(k *kit) {
		p := k.dial("client", mqtt.V5)
		p.connect()
		p.gets("CONNACK 00")
		k.stream.freeze()
		p.publish("a", "x", 1, 1)
		p.publish("a", "x", 2, 2)
		p.gets()
		p.publish("a", "x", 1, 3)
		p.gets("DISCONNECT 93", "closed")
	})
}

func TestAnOldClientIsNotReadOnAboveTheReceiveMaximum(t *testing.T) {
	play(t, broker.Config{ReceiveMaximum: 2}, func(k *kit) {
		p := k.join("client", mqtt.V311)
		k.stream.freeze()
		for id := range uint16(4) {
			p.publish("a", "x", 1, id+1)
		}
		p.send(&mqtt.Pingreq{})
		p.gets()
		k.stream.resume()
		got := p.take()
		slices.Sort(got) // PINGRESP and the last two PUBACKs go different ways
		if want := []string{"PINGRESP", "PUBACK #1", "PUBACK #2", "PUBACK #3", "PUBACK #4"}; !slices.Equal(got, want) {
			k.t.Fatalf("got %v", got)
		}
	})
}

// reserved is an Authorizer that keeps "private" from everybody.
type reserved struct{}

func (reserved) MayPublish(_, _, topic string) bool    { return topic != "private" }
func (reserved) MaySubscribe(_, _, filter string) bool { return filter != "private" && filter != "#" }

func TestDeniedPublishes(t *testing.T) {
	config := broker.Config{Permissions: reserved{}}
	play(t, config, func(k *kit) {
		p := k.join("new", mqtt.V5)
		p.subscribe("+")
		p.publish("private", "x", 0, 0)
		p.publish("private", "x", 1, 1)
		p.publish("private", "x", 2, 2)
		p.gets("PUBACK #1 87", "PUBREC #2 87")
		p.publish("public", "y", 2, 2) // a refused publish has left no record
		p.gets("PUBREC #2", `PUBLISH public "y" q2 #1`)
		if n := k.broker.Stats().DeniedPublishes; n != 3 {
			k.t.Fatalf("%d denied", n)
		}
	})
	for qos := range byte(3) {
		play(t, config, func(k *kit) {
			p := k.join("old", mqtt.V311)
			p.publish("private", "x", qos, uint16(qos))
			p.gets("closed")
		})
	}
}

func TestNobodyPublishesSystemTopics(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.publish("$SYS/broker/uptime", "x", 1, 1)
		p.gets("PUBACK #1 87")
		p.publish("$other/topic", "x", 1, 1)
		p.gets("PUBACK #1")
	})
}

func TestTopicAliases(t *testing.T) {
	play(t, broker.Config{TopicAliasMaximum: 2}, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.subscribe("#")
		send := func(topic string, alias uint16) {
			p.send(&mqtt.Publish{Topic: topic, TopicAlias: alias, Payload: []byte("x")})
		}
		send("a", 2)
		send("", 2)
		send("b", 2)
		send("", 2)
		p.gets(`PUBLISH a "x"`, `PUBLISH a "x"`, `PUBLISH b "x"`, `PUBLISH b "x"`)
		send("", 1)
		p.gets("DISCONNECT 82", "closed")
		p = k.join("greedy", mqtt.V5)
		p.send(&mqtt.Publish{Topic: "a", TopicAlias: 3})
		p.gets("DISCONNECT 94", "closed")
	})
}

func TestPropertiesAreForwarded(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, old := k.join("new", mqtt.V5), k.join("old", mqtt.V311)
		p.subscribe("a")
		old.subscribe("a")
		f := mqtt.Forwarded{ContentType: "text/plain"}
		p.send(&mqtt.Publish{Topic: "a", Payload: []byte("x"), Forward: f.Append(nil)})
		p.gets(`PUBLISH a "x" type=text/plain`)
		old.gets(`PUBLISH a "x"`)
	})
}

func TestWhileTheStreamIsFullOnlyNewClientsAboveQoS0AreReadOn(t *testing.T) {
	for _, c := range []struct {
		version mqtt.Version
		qos     byte
		readOn  bool
	}{
		{mqtt.V311, 0, false},
		{mqtt.V311, 1, false},
		{mqtt.V5, 0, false},
		{mqtt.V5, 1, true},
		{mqtt.V5, 2, true},
	} {
		t.Run(fmt.Sprintf("%v QoS %d", c.version, c.qos), func(t *testing.T) {
			play(t, usual, func(k *kit) {
				p := k.join("client", c.version)
				k.stream.freeze()
				k.stream.limit(0)
				p.publish("a", "x", c.qos, uint16(c.qos))
				p.send(&mqtt.Pingreq{})
				if c.readOn {
					p.gets("PINGRESP")
				} else {
					p.gets()
				}
			})
		})
	}
}

func TestPublishersKeepTheirOrderWhileTheStreamIsFull(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("client", mqtt.V5), k.join("sub", mqtt.V5)
		sub.subscribe("#")
		k.stream.freeze()
		k.stream.limit(0)
		p.publish("a", "1", 1, 1)
		p.publish("a", "2", 2, 2)
		p.publish("a", "3", 0, 0)
		p.publish("a", "4", 1, 4)
		p.gets()
		k.stream.limit(1)
		k.stream.resume()
		p.gets("PUBACK #1", "PUBREC #2", "PUBACK #4")
		sub.gets(`PUBLISH a "1" q1 #1`, `PUBLISH a "2" q2 #2`, `PUBLISH a "3"`, `PUBLISH a "4" q1 #3`)
	})
}

func TestAPublishThatFindsNoPlaceInTimeIsRefused(t *testing.T) {
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.subscribe("#")
		k.stream.freeze()
		k.stream.limit(0)
		p.publish("a", "x", 1, 1)
		time.Sleep(5 * time.Second)
		p.publish("a", "y", 2, 2)
		p.gets()
		time.Sleep(6 * time.Second)
		p.gets("PUBACK #1 97")
		time.Sleep(6 * time.Second)
		p.gets("PUBREC #2 97")
		k.stream.limit(10)
		k.stream.resume()
		p.publish("a", "z", 2, 2)
		p.gets("PUBREC #2", `PUBLISH a "z" q2 #1`)
	})
}

func TestAConnectionThatLeavesWhileTheStreamIsFull(t *testing.T) {
	inVersions(t, func(k *kit, v mqtt.Version) {
		p, sub := k.join("client", v), k.join("sub", v)
		sub.subscribe("#")
		k.stream.freeze()
		k.stream.limit(0)
		for id := range uint16(3) {
			p.publish("a", "x", 1, id+1)
		}
		p.gets()
		p.hangUp()
		k.stream.limit(10)
		k.stream.resume()
		k.connections(1)
	})
}

func TestWhatASupersededConnectionPublishedIsNotAcknowledged(t *testing.T) {
	play(t, usual, func(k *kit) {
		p, sub := k.join("me", mqtt.V5), k.join("sub", mqtt.V5)
		sub.subscribe("#")
		k.stream.freeze()
		p.publish("a", "x", 1, 1)
		p.gets()
		k.stream.elsewhere(0, &replica.Connect{Connection: 1, ClientID: "me"})
		k.stream.resume()
		p.gets("DISCONNECT 8e", "closed")
		sub.gets()
	})
}

func TestNoRoomForARetainedMessage(t *testing.T) {
	play(t, usual, func(k *kit) {
		k.stream.machine = replica.New(2, replica.Limits{Connections: 10, Retained: 1, RetainedBytes: 1 << 20})
		p, old := k.join("new", mqtt.V5), k.join("old", mqtt.V311)
		p.retain("a", "x")
		p.retain("b", "x")
		p.send(&mqtt.Publish{Topic: "b", Payload: []byte("x"), Retain: true, QoS: 1, PacketID: 1})
		p.send(&mqtt.Publish{Topic: "b", Payload: []byte("x"), Retain: true, QoS: 2, PacketID: 2})
		p.gets("PUBACK #1 97", "PUBREC #2 97")
		old.send(&mqtt.Publish{Topic: "b", Payload: []byte("x"), Retain: true, QoS: 1, PacketID: 1})
		old.gets("closed")
	})
}

func TestAliasesToTheClient(t *testing.T) {
	play(t, broker.Config{TopicAliasMaximum: 2}, func(k *kit) {
		pub := k.join("pub", mqtt.V5)
		take := func(most uint16) func(*mqtt.Connect) {
			return func(c *mqtt.Connect) { c.TopicAliasMaximum = most }
		}
		none, one, many := k.join("none", mqtt.V5), k.join("one", mqtt.V5, take(1)), k.join("many", mqtt.V5, take(65535))
		old := k.join("old", mqtt.V311)
		for _, p := range []*peer{none, one, many, old} {
			p.subscribe("long/#")
		}
		pub.publish("long/a", "1", 0, 0)
		pub.publish("long/a", "2", 1, 1)
		pub.publish("long/b", "3", 0, 0)
		pub.publish("long/b", "4", 2, 2)
		pub.publish("long/c", "5", 0, 0)
		for _, p := range []*peer{none, old} {
			p.gets(`PUBLISH long/a "1"`, `PUBLISH long/a "2" q1 #1`, `PUBLISH long/b "3"`, `PUBLISH long/b "4" q2 #2`,
				`PUBLISH long/c "5"`)
		}
		one.gets(`PUBLISH long/a "1" alias=1`, `PUBLISH  "2" q1 #1 alias=1`, `PUBLISH long/b "3"`,
			`PUBLISH long/b "4" q2 #2 alias=1`, `PUBLISH long/c "5" alias=1`)
		many.gets(`PUBLISH long/a "1" alias=1`, `PUBLISH  "2" q1 #1 alias=1`, `PUBLISH long/b "3" alias=2`,
			`PUBLISH  "4" q2 #2 alias=2`, `PUBLISH long/c "5"`)
	})
}

func TestAliasesEndWithTheirConnection(t *testing.T) {
	play(t, usual, func(k *kit) {
		pub := k.join("pub", mqtt.V5)
		for range 2 {
			sub := k.join("sub", mqtt.V5, func(c *mqtt.Connect) { c.TopicAliasMaximum = 5 })
			sub.subscribe("long/a")
			pub.publish("long/a", "x", 0, 0)
			pub.publish("long/a", "y", 0, 0)
			sub.gets(`PUBLISH long/a "x" alias=1`, `PUBLISH  "y" alias=1`)
			sub.hangUp()
			k.settle()
		}
	})
}

func TestAnAliasMakesNoPacketTooLarge(t *testing.T) {
	play(t, usual, func(k *kit) {
		pub := k.join("pub", mqtt.V5)
		sub := k.join("small", mqtt.V5, func(c *mqtt.Connect) { c.MaximumPacketSize, c.TopicAliasMaximum = 20, 5 })
		sub.subscribe("#")
		const fits = "0123456789" // with a topic of 5 bytes, 20 in all
		pub.publish("topic", fits, 0, 0)
		pub.publish("topic", "small", 0, 0)
		pub.publish("topic", fits, 0, 0)
		pub.publish("topic", fits+"-", 0, 0) // what is too large is so by its own topic
		sub.gets(`PUBLISH topic "0123456789"`, `PUBLISH topic "small" alias=1`, `PUBLISH  "0123456789" alias=1`)
	})
}

func TestAPayloadThatIsNotTheTextItClaimsToBe(t *testing.T) {
	play(t, usual, func(k *kit) {
		text := []byte{1, 1} // payload format indicator
		p := k.join("client", mqtt.V5)
		p.subscribe("#")
		for qos := byte(2); qos < 3; qos-- {
			p.send(&mqtt.Publish{Topic: "a", Payload: []byte("\xff"), QoS: qos, PacketID: uint16(qos), Forward: text})
		}
		p.gets("PUBREC #2 99", "PUBACK #1 99", "DISCONNECT 99", "closed")

		p = k.dial("mortal", mqtt.V5)
		p.connect(func(c *mqtt.Connect) { c.Will = &mqtt.Will{Topic: "a", Payload: []byte("\xff"), Forward: text} })
		p.gets("CONNACK 99", "closed")
		if n := k.broker.Stats().InvalidPayloads; n != 4 {
			k.t.Fatalf("%d invalid payloads", n)
		}
	})
}

func TestTheSystemsTopicsAreNotForClients(t *testing.T) {
	for _, name := range []string{"$SYS", "$SYS/", "$SYS/broker/version"} {
		play(t, usual, func(k *kit) {
			p := k.join("client", mqtt.V5)
			p.publish(name, "x", 0, 0)
			p.publish(name, "x", 1, 1)
			p.publish(name, "x", 2, 2)
			p.gets("PUBACK #1 87", "PUBREC #2 87")
			old := k.join("old", mqtt.V311)
			old.publish(name, "x", 1, 1)
			old.gets("closed")
			for _, v := range versions {
				mortal := k.dial("mortal", v)
				mortal.connect(withWill(name))
				mortal.gets("CONNACK 87", "closed")
			}
		})
	}
	play(t, usual, func(k *kit) {
		p := k.join("client", mqtt.V5)
		p.publish("$SYSTEM/x", "x", 1, 1)
		p.gets("PUBACK #1")
	})
}
