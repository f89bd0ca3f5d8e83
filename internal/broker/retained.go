package broker

import (
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// These bound how many retained messages are fetched at once for new subscriptions, and how many are looked at for that.
const (
	replayBatch = 64
	replayBytes = 1 << 20
	replaySteps = 1024
)

// replay is a place in a client's queue where the retained messages for new subscriptions come, as they were at the
// index at which the subscriptions began. They are fetched a few at a time when their turn comes, so that a
// subscription to everything copies nothing. A message that has replaced one of them since stands behind the mark in
// the queue already, so it is left out here, as is the one that it replaced.
type replay struct {
	index uint64
	rest  []replayed // the subscriptions that are not done yet
	after string     // the last topic looked at for rest[0]
}

type replayed struct {
	filter string
	subscription
}

func (r *replay) add(filter string, s subscription) { r.rest = append(r.rest, replayed{filter, s}) }

// mark returns the queue entry that stands for the messages.
func (r *replay) mark() session.Entry[outgoing] {
	size := entryOverhead
	for _, s := range r.rest {
		size += len(s.filter) + entryOverhead
	}
	return session.Entry[outgoing]{Message: outgoing{rare: &rare{replay: r}}, Size: size, Mark: true}
}

// continueReplay puts the next retained messages before everything else in the queue, and the mark behind them if
// there may be more. It runs on the writer goroutine.
func (c *client) continueReplay(r *replay) error {
	var batch []session.Entry[outgoing]
	err := c.broker.config.State.Do(func(m *replica.Machine) { batch = c.broker.fetch(c, r, m) })
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == connected {
		c.session.Prepend(batch)
	}
	return nil
}

// fetch takes the next few messages of a replay.
func (d *dispatcher) fetch(c *client, r *replay, m *replica.Machine) []session.Entry[outgoing] {
	var batch []session.Entry[outgoing]
	now, bytes, steps := d.broker.elapsed(), 0, replaySteps
	for len(r.rest) > 0 && len(batch) < replayBatch && bytes < replayBytes && steps > 0 {
		s, more := r.rest[0], false
		if _, known := c.routes.subscriptions[s.filter]; known { // else it was unsubscribed meanwhile
			r.after, more = m.SomeRetained(s.filter, r.after, &steps, func(kept replica.Retained) bool {
				own := s.noLocal && kept.ClientID == c.id // [MQTT-3.8.3-3]
				if e := d.retained(s.subscription, kept, now); kept.Index <= r.index && !own && c.takes(&e) {
					batch = append(batch, e)
					bytes += e.Size
				}
				return len(batch) < replayBatch && bytes < replayBytes
			})
		}
		if !more {
			r.rest, r.after = r.rest[1:], ""
		}
	}
	if len(r.rest) > 0 {
		batch = append(batch, r.mark())
	}
	return batch
}

// retained makes the entry for a retained message. It has the RETAIN flag [MQTT-3.3.1-8].
func (d *dispatcher) retained(s subscription, kept replica.Retained, now int64) session.Entry[outgoing] {
	m := kept.Message
	var expires int64
	if m.HasExpiry {
		expires = now + int64(m.Expiry)*second - d.clock.age(kept.Time, now)
	}
	e := entry(outgoing{message: m, rare: identifier(s.id)}, min(s.qos, m.QoS), expires)
	e.Retain = true
	return e
}
