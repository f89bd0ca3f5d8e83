package broker

import (
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
)

// subscription is how a client wants to get what matches one of its filters.
type subscription struct {
	id                uint32 // subscription identifier; 0 is none
	qos               byte
	noLocal           bool
	retainAsPublished bool
	handed            uint64 // how many messages had been handed over unordered before the subscription began
}

// onSubscribe handles SUBSCRIBE. The filters are judged by the reader. The indexes at which own subscriptions begin are
// behind the client's own publishes: what it has retained just now comes to it as a retained message. SUBACK goes out
// when everything is done.
func (c *client) onSubscribe(p *mqtt.Subscribe) error {
	c.input.turn.Spend(filterWork * len(p.Subscriptions))
	q := &request{client: c, packetID: p.PacketID, codes: make([]mqtt.ReasonCode, len(p.Subscriptions))}
	for i := range p.Subscriptions {
		s := &p.Subscriptions[i]
		code, err := c.judge(s)
		if err != nil {
			return err
		}
		if q.codes[i] = code; code < 0x80 && q.sort(i, s.Filter) {
			q.wantSystem(i, s, p.SubscriptionID)
		}
	}
	if len(q.own) > 0 {
		if err := c.awaitOwnPublishes(); err != nil {
			return err
		}
	}
	return c.perform(q, work{
		filter: func(i int) string { return p.Subscriptions[i].Filter },
		own:    func(places []int, m *replica.Machine) { c.broker.subscribe(q, p, places, m.Index()) },
		rest: func(places []int) replica.Command {
			cmd := &replica.Subscribe{Connection: c.number, ID: p.SubscriptionID}
			for _, i := range places {
				cmd.Subscriptions = append(cmd.Subscriptions, replica.Subscription(p.Subscriptions[i]))
			}
			return cmd
		},
	})
}

// wantSystem notes a subscription to the system's topics on which the stream decides.
func (q *request) wantSystem(place int, s *mqtt.Subscription, id uint32) {
	if isSystem(s.Filter) && s.RetainHandling == 0 {
		q.system = append(q.system, systemRequest{place, s.Filter, id})
	}
}

// judge returns the QoS to grant, which is also the reason code of success, or the reason for refusing.
func (c *client) judge(s *mqtt.Subscription) (mqtt.ReasonCode, error) {
	counters := &c.broker.counters
	group, filter, valid := topic.Parse(s.Filter)
	switch {
	case !valid || len(s.Filter) > c.broker.config.MaxTopicLength || !c.broker.takesTopic(filter):
		counters.refusedFilters.Add(1)
		return mqtt.TopicFilterInvalid, nil
	case group != "" && s.NoLocal: // [MQTT-3.8.3-4]
		return 0, &mqtt.Error{Code: mqtt.ProtocolError, Detail: "no local on a shared subscription"}
	case !c.broker.config.Permissions.MaySubscribe(c.user, c.id, filter):
		counters.deniedSubscriptions.Add(1)
		return mqtt.NotAuthorized, nil
	}
	return mqtt.ReasonCode(s.QoS), nil
}

// subscribe makes subscriptions that are the node's own affair.
func (d *dispatcher) subscribe(q *request, p *mqtt.Subscribe, places []int, index uint64) {
	c, replay := q.client, &replay{index: index}
	for _, i := range places {
		s := &p.Subscriptions[i]
		fresh, ok := d.add(c, s, p.SubscriptionID)
		if !ok {
			d.broker.counters.refusedFilters.Add(1)
			q.codes[i] = mqtt.QuotaExceeded
		} else if s.RetainHandling == 0 || s.RetainHandling == 1 && fresh {
			replay.add(s.Filter, c.routes.subscriptions[s.Filter])
			d.replaySystem(c, s.Filter, c.routes.subscriptions[s.Filter])
		}
	}
	if len(replay.rest) > 0 {
		q.replays = append(q.replays, replay)
	}
}

// add makes or replaces a subscription [MQTT-3.8.4-3]. It fails if the client has too many.
func (d *dispatcher) add(c *client, s *mqtt.Subscription, id uint32) (fresh, ok bool) {
	old, known := c.routes.subscriptions[s.Filter]
	if !known && len(c.routes.subscriptions) >= d.broker.config.MaxSubscriptions {
		return false, false
	}
	if c.routes.subscriptions == nil {
		c.routes.subscriptions = map[string]subscription{}
	}
	made := subscription{id: id, qos: s.QoS, noLocal: s.NoLocal, retainAsPublished: s.RetainAsPublished}
	if made.handed = old.handed; !known {
		made.handed = d.handed
	}
	c.routes.subscriptions[s.Filter] = made
	return d.trie.Subscribe(s.Filter, c, made), true
}

// onUnsubscribe handles UNSUBSCRIBE. After UNSUBACK nothing is queued for the filters any more [MQTT-3.10.4-2].
func (c *client) onUnsubscribe(p *mqtt.Unsubscribe) error {
	c.input.turn.Spend(filterWork * len(p.Filters))
	q := &request{client: c, packetID: p.PacketID, codes: make([]mqtt.ReasonCode, len(p.Filters)), unmakes: true}
	for i, filter := range p.Filters {
		if _, _, valid := topic.Parse(filter); !valid {
			q.codes[i] = mqtt.TopicFilterInvalid
		} else {
			q.sort(i, filter)
		}
	}
	return c.perform(q, work{
		filter: func(i int) string { return p.Filters[i] },
		own:    func(places []int, _ *replica.Machine) { c.broker.unsubscribe(q, p, places) },
		rest: func(places []int) replica.Command {
			cmd := &replica.Unsubscribe{Connection: c.number}
			for _, i := range places {
				cmd.Filters = append(cmd.Filters, p.Filters[i])
			}
			return cmd
		},
	})
}

// unsubscribe takes away subscriptions that are the node's own affair.
func (d *dispatcher) unsubscribe(q *request, p *mqtt.Unsubscribe, places []int) {
	for _, i := range places {
		if _, known := q.client.routes.subscriptions[p.Filters[i]]; known {
			d.drop(q.client, p.Filters[i])
		} else {
			q.codes[i] = mqtt.NoSubscriptionExisted
		}
	}
}

func (d *dispatcher) drop(c *client, filter string) {
	d.trie.Unsubscribe(filter, c)
	delete(c.routes.subscriptions, filter)
}

// forget removes all that the apply goroutine knows of a client.
func (b *Broker) forget(c *client) {
	for more := true; more; {
		err := b.config.State.Do(func(*replica.Machine) { more = b.forgetSome(c) })
		if err != nil {
			return // the node has stopped
		}
	}
}

// forgetSome removes a portion of it, and reports whether there is more.
func (d *dispatcher) forgetSome(c *client) (more bool) {
	if d.byID[c.id] == c {
		delete(d.byID, c.id)
	}
	var now portion
	for filter := range c.routes.subscriptions {
		if !now.takes(filter) {
			return true
		}
		d.drop(c, filter)
	}
	return false
}
