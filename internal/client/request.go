package client

import (
	"context"
	"fmt"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// The packet ids of what is not a publish. Publishes use those from 1 to the window's size, 32,767 at most.
const (
	subscribeID   = 0xFFF0
	unsubscribeID = 0xFFF1
	pingID        = 0xFFF2 // PINGREQ has none: this is its place in inflight
)

// Subscribe subscribes to one filter at a QoS and waits for the SUBACK. One Subscribe at a time.
func (c *Client) Subscribe(ctx context.Context, filter string, qos byte) error {
	return c.SubscribeWith(ctx, mqtt.Subscription{Filter: filter, QoS: qos})
}

// SubscribeWith is Subscribe with all options.
func (c *Client) SubscribeWith(ctx context.Context, s mqtt.Subscription) error {
	p := &mqtt.Subscribe{PacketID: subscribeID, Subscriptions: []mqtt.Subscription{s}}
	answer, err := c.request(ctx, subscribeID, p)
	if err != nil {
		return err
	}
	if code := answer.(*mqtt.Suback).Codes[0]; code.Failed() {
		return &RefusedError{Packet: mqtt.TypeSubscribe, Code: code}
	}
	return nil
}

// Unsubscribe ends a subscription and waits for the UNSUBACK. One Unsubscribe at a time.
func (c *Client) Unsubscribe(ctx context.Context, filter string) error {
	_, err := c.request(ctx, unsubscribeID, &mqtt.Unsubscribe{PacketID: unsubscribeID, Filters: []string{filter}})
	return err
}

// Ping sends a PINGREQ and waits for the answer. One Ping at a time.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.request(ctx, pingID, &mqtt.Pingreq{})
	return err
}

// request sends a packet and waits for the answer that answered hands on under that id.
func (c *Client) request(ctx context.Context, id uint16, p mqtt.Packet) (mqtt.Packet, error) {
	type result struct {
		packet mqtt.Packet
		err    error
	}
	results := make(chan result, 1)
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	c.inflight[id] = &pending{done: func(p mqtt.Packet, err error) { results <- result{p, err} }}
	c.mu.Unlock()
	if !c.out.append(func(b []byte) []byte { return p.Append(b, c.version) }) {
		return nil, ErrClosed
	}
	select {
	case r := <-results:
		return r.packet, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", p.Type(), ctx.Err())
	}
}

// answered hands an answer to who waits for it under that id.
func (c *Client) answered(id uint16, answer mqtt.Packet) error {
	c.mu.Lock()
	p := c.inflight[id]
	delete(c.inflight, id)
	c.mu.Unlock()
	if p == nil {
		return fmt.Errorf("%s that nobody waits for", answer.Type())
	}
	p.done(answer, nil)
	return nil
}
