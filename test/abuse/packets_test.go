package abuse

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Attacks by packets that are well-formed and ask for much.

// bulk is the length in bytes of what fills the largest packets: just below the longest one that is taken by default.
const bulk = 8 << 20

// fill repeats what is short until it fills a packet.
func (a *attacker) fill(with []byte) []byte {
	return bytes.Repeat(with, a.size(bulk/4, bulk)/len(with))
}

// deepTopics publishes to, subscribes to and leaves wills at topics of as many levels as a topic can have.
func deepTopics(a *attacker) {
	deep := strings.Repeat("/", 65_534)
	a.crowd(5, func(int) error {
		p := clean()
		p.Will = &mqtt.Will{Topic: deep}
		_, err := a.enter(p)
		return err
	})
	a.crowd(5, func(int) error {
		g, err := a.enter(clean())
		if err != nil {
			return err
		}
		go g.drain()
		for id := uint16(1); err == nil; id = id%1000 + 1 {
			err = g.send(
				&mqtt.Subscribe{PacketID: id, Subscriptions: []mqtt.Subscription{{Filter: deep}}},
				&mqtt.Publish{PacketID: id, Topic: deep, QoS: 1},
			)
		}
		return err
	})
}

// properties publishes messages that consist of the shortest user properties.
func properties(a *attacker) {
	user := mqtt.UserProperties{}.Add("", "")
	message := (&mqtt.Publish{Topic: "bomb", Forward: a.fill(user)}).Append(nil, mqtt.V5)
	a.repeat(a.size(2, 10), message)
}

// filters subscribes to filters that are not valid: as many as a packet holds, and as many as one may hold.
func filters(a *attacker) {
	one := []byte{0, 2, '+', '+', 0}
	a.repeat(a.size(1, 5), subscribeTo(a.fill(one)))
	a.repeat(a.size(1, 5), subscribeTo(bytes.Repeat(one, 1<<14)))
}

// subscribeTo returns a SUBSCRIBE with filters in wire form.
func subscribeTo(filters []byte) []byte {
	packet := binary.AppendUvarint([]byte{0x82}, uint64(len(filters)+3)) // an MQTT varint is one of these
	return append(append(packet, 0, 1, 0), filters...)
}

// repeat lets n clients send the same bytes again and again.
func (a *attacker) repeat(n int, packet []byte) {
	a.crowd(n, func(int) error {
		g, err := a.enter(clean())
		if err != nil {
			return err
		}
		go g.drain()
		for err == nil {
			err = g.write(packet)
		}
		return err
	})
}

// subscriptions makes one client subscribe to more than it may have, and many to a hundred each, all day.
func subscriptions(a *attacker) {
	a.crowd(1, func(i int) error { return a.subscribeAll(i, 12_000) })
	a.crowd(a.size(10, 100), func(i int) error { return a.subscribeAll(i+1, 100) })
}

// subscribeAll subscribes to n filters, and waits for the answers before it leaves.
func (a *attacker) subscribeAll(client, n int) error {
	g, err := a.enter(clean())
	if err != nil {
		return err
	}
	defer g.Close()
	p := &mqtt.Subscribe{PacketID: 1}
	for i := range n {
		p.Subscriptions = append(p.Subscriptions, mqtt.Subscription{Filter: fmt.Sprintf("many/%d/%d/#", client, i), QoS: 1})
	}
	if err := g.send(p); err != nil {
		return err
	}
	_, err = g.Next()
	return err
}

// branches subscribes to filters that all match one topic and have nothing in common, and publishes to it.
func branches(a *attacker) {
	const levels = 100
	a.crowd(1, func(int) error {
		g, err := a.enter(clean())
		if err != nil {
			return err
		}
		p := &mqtt.Subscribe{PacketID: 1}
		for range a.size(1000, 10_000) {
			var filter strings.Builder
			for range levels - 1 {
				filter.WriteString([]string{"a/", "+/"}[rand.IntN(2)])
			}
			p.Subscriptions = append(p.Subscriptions, mqtt.Subscription{Filter: filter.String() + "a"})
		}
		if err := g.send(p); err != nil {
			return err
		}
		g.drain()
		return nil
	})
	topic := strings.Repeat("a/", levels-1) + "a"
	a.crowd(1, func(int) error {
		return a.publisher(func(int) *mqtt.Publish { return &mqtt.Publish{Topic: topic, QoS: 1} })
	})
}
