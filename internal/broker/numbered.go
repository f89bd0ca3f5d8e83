package broker

import (
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// sendTo puts a message that the state machine has addressed to one connection into its client's queue, if that is one
// of this node's.
func (d *dispatcher) sendTo(effect *replica.Effect, now int64) {
	c := d.holder(effect)
	if c == nil {
		return
	}
	e := d.addressed(effect.Delivery, now)
	e.Free = e.Numbered || d.replay
	if c.admits(&e) {
		c.push(e)
		d.work++
		d.wakeLater(c)
	}
}

// resume returns the queue that a lasting session begins its connection with; nil is none.
func (d *dispatcher) resume(c *client, stored *replica.Session) []session.Entry[outgoing] {
	if stored == nil {
		return nil
	}
	c.screened.Store(stored.Present)
	now := d.broker.elapsed()
	entries := make([]session.Entry[outgoing], 0, len(stored.Unfinished))
	for _, u := range stored.Unfinished {
		e := d.addressed(u.Delivery, now)
		e.Free, e.Again, e.Received = true, u.Number < stored.Offered, u.Received
		if c.admits(&e) {
			entries = append(entries, e)
		}
	}
	return entries
}

// addressed makes the entry for a delivery.
func (d *dispatcher) addressed(delivery *replica.Delivery, now int64) session.Entry[outgoing] {
	m := delivery.Message
	var expires int64
	if m.HasExpiry {
		expires = now + int64(m.Expiry)*second - d.clock.age(delivery.Time, now)
	}
	e := entry(outgoing{message: m, rare: identifiers(delivery.IDs)}, delivery.QoS, expires)
	e.Retain = delivery.Retain
	e.Number, e.Numbered = delivery.Number, delivery.QoS > 0
	return e
}

// admits tells whether the entry has a place in the client's queue. One with a number has: if the client is not to get
// it, the stream must learn that it is done with.
func (c *client) admits(e *session.Entry[outgoing]) bool {
	if e.Received || c.takes(e) {
		return true
	}
	e.Withheld = e.Numbered
	return e.Withheld
}
