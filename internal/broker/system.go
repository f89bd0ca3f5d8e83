package broker

import (
	"context"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
)

// systemRoot begins the topics in which the node says how it is doing.
const systemRoot = "$SYS/broker/"

// SystemValue is what one topic below $SYS/broker/ says.
type SystemValue struct {
	Name  string // the topic without $SYS/broker/
	Value string
}

// isSystem tells whether a topic name or filter is below what the system says about itself.
func isSystem(name string) bool { return name == "$SYS" || strings.HasPrefix(name, "$SYS/") }

// tellSystem sends subscribers of the system's topics what these say, at every interval, until ctx ends. It goes around
// the stream: each node speaks for itself, and an idle cluster stays idle.
func (b *Broker) tellSystem(ctx context.Context) {
	if b.config.SystemInterval == 0 {
		return
	}
	tick := time.NewTicker(b.config.SystemInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if b.config.State.Do(b.publishSystem) != nil {
			return // the node has stopped
		}
	}
}

// publishSystem runs on the apply goroutine. The subscriptions of lasting sessions are in the machine, and mean the
// system of the node on which the client is.
func (d *dispatcher) publishSystem(m *replica.Machine) {
	now := d.broker.elapsed()
	for _, v := range d.systemValues() {
		message := v.message()
		d.matchLocal(message.Topic, "")
		m.Matching(message.Topic, func(client string, id uint32, s replica.Subscription) {
			if c := d.byID[client]; c != nil && c.lasting {
				d.match(c, subscription{id: id, qos: s.QoS, retainAsPublished: s.RetainAsPublished})
			}
		})
		d.deliverToHits(message, now)
	}
	d.wakeAll()
}

// replaySystem queues what the system's topics say now for a new subscription, as if it were retained.
func (d *dispatcher) replaySystem(c *client, filter string, s subscription) {
	if d.broker.config.SystemInterval == 0 || !isSystem(filter) {
		return
	}
	for _, v := range d.systemValues() {
		if !topic.Match(filter, systemRoot+v.Name) {
			continue
		}
		e := entry(outgoing{message: v.message(), rare: identifier(s.id)}, 0, 0)
		if e.Retain = true; c.takes(&e) {
			c.push(e)
		}
	}
}

// tellAtOnce does so for subscriptions on which the stream has decided.
func (d *dispatcher) tellAtOnce(q *request) {
	for _, s := range q.system {
		if q.codes[s.place] < 0x80 {
			d.replaySystem(q.client, s.filter, subscription{id: s.id})
			d.wakeLater(q.client)
		}
	}
}

func (v *SystemValue) message() *replica.Message {
	return &replica.Message{Topic: systemRoot + v.Name, Payload: []byte(v.Value), Retain: true}
}

func (d *dispatcher) systemValues() []SystemValue {
	b := d.broker
	s := b.Stats()
	values := []SystemValue{
		{"uptime", decimal(b.elapsed() / second)},
		{"clients/connected", decimal(s.Clients)},
		{"messages/received", decimal(s.Received)},
		{"messages/sent", decimal(s.Delivered)},
		{"messages/dropped", decimal(s.QueueDropped)},
		{"bytes/received", decimal(s.BytesReceived)},
		{"bytes/sent", decimal(s.BytesSent)},
		{"subscriptions/local", decimal(d.trie.Len())},
		{"heap/current", decimal(heap())},
	}
	if b.config.System != nil {
		values = append(values, b.config.System()...)
	}
	return values
}

// heap returns the bytes of the heap's objects, without stopping anything for it.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func decimal[T int | int64 | uint64](n T) string { return strconv.FormatInt(int64(n), 10) }
