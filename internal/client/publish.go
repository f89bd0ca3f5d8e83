package client

import (
	"context"
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Publish publishes and waits until the message is acknowledged in full; at QoS 0 until it is on its way.
func (c *Client) Publish(ctx context.Context, topic string, payload []byte, qos byte, retain bool) error {
	answered := make(chan error, 1)
	p := &mqtt.Publish{Topic: topic, Payload: payload, QoS: qos, Retain: retain}
	if err := c.Send(p, func(err error) { answered <- err }); err != nil {
		return err
	}
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return fmt.Errorf("publish: %w", ctx.Err())
	}
}

// PublishAsync publishes and returns when the message is on its way, for which it may have to wait. Done, if not
// nil, is called when the message is acknowledged in full, or at once at QoS 0.
func (c *Client) PublishAsync(topic string, payload []byte, qos byte, done func(error)) error {
	return c.Send(&mqtt.Publish{Topic: topic, Payload: payload, QoS: qos}, done)
}

// Send is PublishAsync of a packet that the caller has filled in, but for its packet id. The packet is not kept.
func (c *Client) Send(p *mqtt.Publish, done func(error)) error {
	if p.QoS > 0 {
		if err := c.register(p, done); err != nil {
			return err
		}
	}
	if !c.out.append(func(b []byte) []byte { return p.Append(b, c.version) }) {
		return ErrClosed
	}
	if p.QoS == 0 && done != nil {
		done(nil)
	}
	return nil
}

// register takes a packet id for the publish and remembers who waits for its acknowledgement.
func (c *Client) register(p *mqtt.Publish, done func(error)) error {
	select {
	case p.PacketID = <-c.ids:
	case <-c.done:
		return ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return ErrClosed
	}
	c.waiting++
	c.inflight[p.PacketID] = &pending{qos: p.QoS, done: func(_ mqtt.Packet, err error) {
		if done != nil {
			done(err)
		}
	}}
	return nil
}

// acknowledged ends a publish: code is the server's last word on it.
func (c *Client) acknowledged(t mqtt.Type, id uint16, code mqtt.ReasonCode) error {
	c.mu.Lock()
	p := c.inflight[id]
	if p == nil || p.qos == 0 {
		c.mu.Unlock()
		return fmt.Errorf("%s for unknown packet id %d", t, id)
	}
	delete(c.inflight, id)
	c.mu.Unlock()
	var err error
	if code.Failed() {
		err = &RefusedError{Packet: mqtt.TypePublish, Code: code}
	}
	p.done(nil, err)
	c.ids <- id
	c.mu.Lock()
	if c.waiting--; c.waiting == 0 {
		c.signalIdle()
	}
	c.mu.Unlock()
	return nil
}

// Flush waits until everything published so far is acknowledged, and until the server has read what was published at
// QoS 0 before it.
func (c *Client) Flush(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.err != nil {
			c.mu.Unlock()
			return ErrClosed
		}
		if c.waiting == 0 {
			c.mu.Unlock()
			return c.Ping(ctx)
		}
		if c.idle == nil {
			c.idle = make(chan struct{})
		}
		idle := c.idle
		c.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("flush: %w", ctx.Err())
		}
	}
}
