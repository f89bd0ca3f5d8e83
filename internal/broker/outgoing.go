package broker

import (
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// outgoing is a message in a client's queue; the message itself is shared by all of them.
type outgoing struct {
	message *replica.Message
	body    *body // nil: the message's bytes count for this client alone
	rare    *rare // nil for most
}

// rare is what few entries have. It lies apart to keep the others small.
type rare struct {
	ids    []uint32 // subscription identifiers
	replay *replay  // set in a mark, and nothing else then
}

// identifiers returns what an entry with these subscription identifiers has.
func identifiers(ids []uint32) *rare {
	if len(ids) == 0 {
		return nil
	}
	return &rare{ids: ids}
}

// identifier is identifiers of one; 0 is none.
func identifier(id uint32) *rare {
	if id == 0 {
		return nil
	}
	return &rare{ids: []uint32{id}}
}

// entryOverhead in bytes stands for what a queued message costs beside its own bytes, even if those are shared.
const entryOverhead = 128

// push puts a message into the client's queue; a client whose queue is full is closed, or does without a message at
// QoS 0. It never waits.
func (c *client) push(e session.Entry[outgoing]) {
	c.mu.Lock()
	verdict := session.Queued
	if c.phase == connected {
		verdict = c.enter(&e)
	}
	c.mu.Unlock()
	switch verdict {
	case session.Dropped:
		c.broker.counters.queueDropped.Add(1)
	case session.Overflow:
		if c.close(mqtt.QuotaExceeded) {
			c.broker.counters.slowReaders.Add(1)
		}
	}
}

// enter is push with mu held.
func (c *client) enter(e *session.Entry[outgoing]) session.Verdict {
	total, counters := &c.broker.queued, &c.broker.counters
	if !e.Free && !total.hasRoom(c.session.Bytes()+c.leaving, e.Size, counters.clients.Load()) {
		counters.queueTotalFull.Add(1)
		return e.Refusal()
	}
	verdict := c.session.Push(*e)
	if verdict == session.Queued {
		total.take(e)
	}
	return verdict
}

// entry makes a queue entry. Its cost counts in full for every client.
func entry(o outgoing, qos byte, expires int64) session.Entry[outgoing] {
	size := messageSize(o.message) + entryOverhead
	if o.rare != nil {
		size += 4 * len(o.rare.ids)
	}
	return session.Entry[outgoing]{
		Message: o,
		QoS:     qos,
		Size:    size,
		Expires: expires,
	}
}

// messageSize in bytes is what a message counts.
func messageSize(m *replica.Message) int { return len(m.Topic) + len(m.Properties) + len(m.Payload) }

// takes tells whether the client may have the message, and takes packets as large. One that is too large for it is left
// out as if it had been sent [MQTT-3.1.2-25], and so is one that it may no longer have.
func (c *client) takes(e *session.Entry[outgoing]) bool {
	if !c.mayReceive(e.Message.message.Topic) {
		return false
	}
	if c.maxPacket == 0 {
		return true
	}
	var p mqtt.Publish
	c.packet(&p, &session.Sending[outgoing]{Entry: *e}, 0)
	if c.fits(p.Size(c.version)) {
		return true
	}
	c.broker.counters.oversized.Add(1)
	return false
}

// fits tells whether the client takes packets of so many bytes.
func (c *client) fits(size int) bool { return c.maxPacket == 0 || size <= c.maxPacket }

// packet fills p, which is reused, with what the client is sent.
func (c *client) packet(p *mqtt.Publish, s *session.Sending[outgoing], now int64) {
	m := s.Message.message
	*p = mqtt.Publish{
		Topic:    m.Topic,
		Payload:  m.Payload,
		QoS:      s.QoS,
		Retain:   s.Retain,
		Dup:      s.Again,
		PacketID: s.PacketID,
	}
	if c.version != mqtt.V5 {
		return
	}
	p.Forward = m.Properties
	if r := s.Message.rare; r != nil {
		p.SubscriptionIDs = r.ids
	}
	if s.Expires != 0 { // what is left of it [MQTT-3.3.2-6]
		p.HasExpiry, p.Expiry = true, uint32(max(0, s.Expires-now+second-1)/second)
	}
}

const second = int64(1e9)
