package abuse

import (
	"fmt"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// Attacks by messages to others.

// member connects as a client that keeps to the protocol.
func (a *attacker) member() (*client.Client, error) {
	conn, err := a.dial(a.MQTT)
	if err != nil {
		return nil, err
	}
	return client.Connect(a.ctx, conn, client.Options{})
}

// publisher publishes what next returns for the n-th time, as fast as the node reads, until the connection ends.
func (a *attacker) publisher(next func(n int) *mqtt.Publish) error {
	c, err := a.member()
	if err != nil {
		return err
	}
	defer c.Close()
	for n := 0; err == nil; n++ {
		err = c.Send(next(n), nil)
	}
	return err
}

// subscriber subscribes and reads what comes.
func (a *attacker) subscriber(filter string) {
	a.crowd(1, func(int) error {
		c, err := a.member()
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Subscribe(a.ctx, filter, 0); err != nil {
			return err
		}
		<-c.Done()
		return nil
	})
}

// publishes floods topics that nobody has subscribed to.
func publishes(a *attacker) {
	a.crowd(10, func(i int) error {
		return a.publisher(func(int) *mqtt.Publish {
			return &mqtt.Publish{Topic: fmt.Sprint("flood/", i), Payload: make([]byte, 100), QoS: byte(i % 2)}
		})
	})
}

// retained retains a message for each of many topics.
func retained(a *attacker) {
	a.crowd(4, func(i int) error {
		return a.publisher(func(n int) *mqtt.Publish {
			if most := a.size(2_000, 100_000); n >= most {
				time.Sleep(time.Millisecond)
				n %= most
			}
			return &mqtt.Publish{Topic: fmt.Sprintf("kept/%d/%d", i, n), Payload: []byte("x"), QoS: 1, Retain: true}
		})
	})
}

// deaf subscribes to a flood and never reads.
func deaf(a *attacker) {
	a.crowd(a.size(20, 200), func(i int) error {
		return a.hearNothing(mqtt.Subscription{Filter: "deaf/#", QoS: byte(i % 2)})
	})
	a.crowd(1, func(int) error {
		return a.publisher(func(int) *mqtt.Publish {
			return &mqtt.Publish{Topic: "deaf/ears", Payload: make([]byte, 1000), QoS: 1}
		})
	})
}

// hearNothing subscribes and reads no more, until the node has enough of it.
func (a *attacker) hearNothing(s mqtt.Subscription) error {
	g, err := a.enter(clean())
	if err != nil {
		return err
	}
	defer g.Close()
	if err := g.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{s}}); err != nil {
		return err
	}
	for err == nil { // nobody reads, so a closed connection shows only in what is written
		time.Sleep(100 * time.Millisecond)
		err = g.send(&mqtt.Pingreq{})
	}
	return nil
}

// neverAck shares a subscription and acknowledges nothing.
func neverAck(a *attacker) {
	a.crowd(a.size(10, 50), func(int) error {
		g, err := a.enter(clean())
		if err != nil {
			return err
		}
		s := mqtt.Subscription{Filter: "$share/lazy/work/#", QoS: 1}
		if err := g.send(&mqtt.Subscribe{PacketID: 1, Subscriptions: []mqtt.Subscription{s}}); err != nil {
			return err
		}
		g.drain()
		return nil
	})
	a.crowd(1, func(int) error {
		return a.publisher(func(int) *mqtt.Publish {
			return &mqtt.Publish{Topic: "work/to-do", Payload: make([]byte, 100), QoS: 1}
		})
	})
}
