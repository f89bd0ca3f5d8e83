package broker

import (
	"slices"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// unordered stands in a token for the client that published during a stall, where messages are then handed at once to
// the node's own local sessions (docs/semantics.md, "Losing the quorum"). Its fields but the first belong to the apply
// goroutine.
type unordered struct {
	client  *client
	serial  uint64 // of the message among those handed over; 0 is not handed over
	applied bool   // the stream has it: too late to hand it over
}

// unorderedProperty marks a message that was handed over before it was ordered.
var unorderedProperty = mqtt.UserProperties(nil).Add("foxmq-unordered", "1")

// submitter returns the client that a token of the broker's is for.
func submitter(t replica.Token) (*client, bool) {
	if u, ok := t.Owner.(*unordered); ok {
		return u.client, true
	}
	c, ok := t.Owner.(*client)
	return c, ok
}

// unordered marks the token of a publish that is to be handed over before it is ordered; nil is none.
func (c *client) unordered(t *replica.Token) *unordered {
	if !c.broker.config.StallDispatchLocal || !c.broker.config.State.Stalled() {
		return nil
	}
	u := &unordered{client: c}
	t.Owner = u
	return u
}

// handOver hands the reader's publish, which has been submitted, to this node's local sessions. What found no place in
// the stream is not handed over: it may yet be refused.
func (c *client) handOver(u *unordered) error {
	if u == nil {
		return nil
	}
	m := c.input.publish.Message
	m.QoS = 0
	m.Properties = slices.Concat(m.Properties, unorderedProperty)
	c.pause()
	return c.broker.config.State.Do(func(*replica.Machine) { c.broker.deliverUnordered(u, &m) })
}

// deliverUnordered is the deliver of a message that is not ordered yet. Lasting sessions wait for the order.
func (d *dispatcher) deliverUnordered(u *unordered, m *replica.Message) {
	if u.applied {
		return
	}
	d.handed++
	u.serial = d.handed
	d.localOnly = true
	d.deliver(m, u.client.id, d.broker.elapsed())
	d.localOnly = false
	d.wakeAll()
}

// ordered notes that a transaction has been ordered, and which message it was of those that were handed over.
func (d *dispatcher) ordered(r *replica.Result) {
	d.repeats = 0
	if u, ok := r.Token.Owner.(*unordered); ok && r.Own {
		u.applied = true
		d.repeats = u.serial
	}
}

// wasHanded tells whether the message that is now delivered in order was handed to the subscription before: it was if
// the subscription is older. So nothing is remembered of each message and its receivers, of whom there may be many.
func (d *dispatcher) wasHanded(c *client, s subscription) bool {
	return s.handed < d.repeats && !c.lasting
}
