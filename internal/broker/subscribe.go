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

// onSubscribe handles SUBSCRIBE. The filters are judged by the reader; those that pass take effect together on the
// apply goroutine, at one index of the stream, and SUBACK goes out there. That index is behind the client's own
// publishes: what it has retained just now comes to it as a retained message.
func (c *client) onSubscribe(p *mqtt.Subscribe) error {
	codes := make([]mqtt.ReasonCode, len(p.Subscriptions))
	for i := range p.Subscriptions {
		code, err := c.judge(&p.Subscriptions[i])
		if err != nil {
			return err
		}
		codes[i] = code
	}
	if err := c.awaitControl(); err != nil {
		return err
	}
	if err := c.awaitOwnPublishes(); err != nil {
		return err
	}
	return c.broker.config.State.Do(func(m *replica.Machine) { c.broker.subscribe(c, p, codes, m) })
}

// judge returns the QoS to grant, which is also the reason code of success, or the reason for refusing.
func (c *client) judge(s *mqtt.Subscription) (mqtt.ReasonCode, error) {
	counters := &c.broker.counters
	group, _, valid := topic.Parse(s.Filter)
	switch {
	case !valid:
		counters.refusedFilters.Add(1)
		return mqtt.TopicFilterInvalid, nil
	case group != "" && s.NoLocal: // [MQTT-3.8.3-4]
		return 0, &mqtt.Error{Code: mqtt.ProtocolError, Detail: "no local on a shared subscription"}
	case group != "":
		counters.refusedFilters.Add(1)
		return mqtt.SharedNotSupported, nil
	case !c.broker.config.Permissions.MaySubscribe(c.user, s.Filter):
		counters.deniedSubscriptions.Add(1)
		return mqtt.NotAuthorized, nil
	}
	return mqtt.ReasonCode(s.QoS), nil
}

// subscribe makes the subscriptions that were granted, and queues SUBACK and the way to the retained messages.
func (d *dispatcher) subscribe(c *client, p *mqtt.Subscribe, codes []mqtt.ReasonCode, m *replica.Machine) {
	replay := &replay{index: m.Index()}
	for i := range p.Subscriptions {
		if codes[i] >= 0x80 {
			continue
		}
		s := &p.Subscriptions[i]
		fresh, ok := d.add(c, s, p.SubscriptionID)
		if !ok {
			d.broker.counters.refusedFilters.Add(1)
			codes[i] = mqtt.QuotaExceeded
		} else if s.RetainHandling == 0 || s.RetainHandling == 1 && fresh {
			replay.add(s.Filter, c.routes.subscriptions[s.Filter])
			d.replaySystem(c, s.Filter, c.routes.subscriptions[s.Filter], m)
		}
	}
	c.sendControl(&mqtt.Suback{PacketID: p.PacketID, Codes: codes})
	if len(replay.rest) > 0 {
		c.push(replay.mark())
	}
	c.wake()
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
	if err := c.awaitControl(); err != nil {
		return err
	}
	return c.broker.config.State.Do(func(*replica.Machine) { c.broker.unsubscribe(c, p) })
}

func (d *dispatcher) unsubscribe(c *client, p *mqtt.Unsubscribe) {
	codes := make([]mqtt.ReasonCode, len(p.Filters))
	for i, filter := range p.Filters {
		if _, known := c.routes.subscriptions[filter]; known {
			d.drop(c, filter)
		} else if _, _, valid := topic.Parse(filter); valid {
			codes[i] = mqtt.NoSubscriptionExisted
		} else {
			codes[i] = mqtt.TopicFilterInvalid
		}
	}
	c.sendControl(&mqtt.Unsuback{PacketID: p.PacketID, Codes: codes})
}

func (d *dispatcher) drop(c *client, filter string) {
	d.trie.Unsubscribe(filter, c)
	delete(c.routes.subscriptions, filter)
}

// forget removes all that the apply goroutine knows of a client.
func (b *Broker) forget(c *client) {
	_ = b.config.State.Do(func(*replica.Machine) { // fails only if the node has stopped
		for filter := range c.routes.subscriptions {
			b.drop(c, filter)
		}
		if b.byID[c.id] == c {
			delete(b.byID, c.id)
		}
	})
}
