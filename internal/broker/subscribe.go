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

// request is a SUBSCRIBE or an UNSUBSCRIBE while it waits for its answer.
type request struct {
	client   *client
	packetID uint16
	codes    []mqtt.ReasonCode // one for each filter
	ordered  []int             // the places of those on which the stream decides
	unmakes  bool              // it is an UNSUBSCRIBE
	system   []systemRequest
}

// systemRequest is a subscription to the system's topics on which the stream decides, and which wants to be told at once
// what they say.
type systemRequest struct {
	place  int // in the packet
	filter string
	id     uint32
}

// decided takes in what became of the filters on which the stream decides.
func (q *request) decided(codes []mqtt.ReasonCode) {
	for i, place := range q.ordered {
		if q.codes[place] = codes[i]; codes[i] >= 0x80 {
			q.client.broker.counters.refusedFilters.Add(1)
		}
	}
}

// answer queues SUBACK or UNSUBACK.
func (q *request) answer() {
	if q.unmakes {
		q.client.sendControl(&mqtt.Unsuback{PacketID: q.packetID, Codes: q.codes})
	} else {
		q.client.sendControl(&mqtt.Suback{PacketID: q.packetID, Codes: q.codes})
	}
}

// inStream tells whether a subscription to the filter is everybody's affair: those of lasting sessions are, and shared
// ones (docs/semantics.md, "Sessions").
func (c *client) inStream(filter string) bool { return c.lasting || isShared(filter) }

func isShared(filter string) bool {
	group, _, valid := topic.Parse(filter)
	return valid && group != ""
}

// onSubscribe handles SUBSCRIBE. The filters are judged by the reader. Those that pass and are everybody's affair go
// through the stream; all others take effect together on the apply goroutine, at one index of it, which is behind the
// client's own publishes: what it has retained just now comes to it as a retained message. SUBACK goes out when all is
// done.
func (c *client) onSubscribe(p *mqtt.Subscribe) error {
	q := &request{client: c, packetID: p.PacketID, codes: make([]mqtt.ReasonCode, len(p.Subscriptions))}
	cmd := &replica.Subscribe{Connection: c.number, ID: p.SubscriptionID}
	var own []int
	size := 0
	for i := range p.Subscriptions {
		s := &p.Subscriptions[i]
		code, err := c.judge(s)
		if err != nil {
			return err
		}
		switch q.codes[i] = code; {
		case code >= 0x80:
		case c.inStream(s.Filter):
			q.ordered = append(q.ordered, i)
			if isSystem(s.Filter) && s.RetainHandling == 0 {
				q.system = append(q.system, systemRequest{i, s.Filter, p.SubscriptionID})
			}
			cmd.Subscriptions = append(cmd.Subscriptions, replica.Subscription(*s))
			size += len(s.Filter) + entryOverhead
		default:
			own = append(own, i)
		}
	}
	if err := c.awaitControl(); err != nil {
		return err
	}
	if len(own) > 0 || len(q.ordered) == 0 {
		if err := c.subscribeOwn(q, p, own); err != nil {
			return err
		}
	}
	if len(q.ordered) == 0 {
		return nil
	}
	return c.order(cmd, replica.Token{Owner: q, Kind: tokenOther}, size)
}

// subscribeOwn makes the subscriptions at those places of the packet, which are the node's own affair.
func (c *client) subscribeOwn(q *request, p *mqtt.Subscribe, places []int) error {
	if err := c.awaitOwnPublishes(); err != nil {
		return err
	}
	return c.broker.config.State.Do(func(m *replica.Machine) { c.broker.subscribe(q, p, places, m) })
}

// judge returns the QoS to grant, which is also the reason code of success, or the reason for refusing.
func (c *client) judge(s *mqtt.Subscription) (mqtt.ReasonCode, error) {
	counters := &c.broker.counters
	group, filter, valid := topic.Parse(s.Filter)
	switch {
	case !valid:
		counters.refusedFilters.Add(1)
		return mqtt.TopicFilterInvalid, nil
	case group != "" && s.NoLocal: // [MQTT-3.8.3-4]
		return 0, &mqtt.Error{Code: mqtt.ProtocolError, Detail: "no local on a shared subscription"}
	case !c.broker.config.Permissions.MaySubscribe(c.user, filter):
		counters.deniedSubscriptions.Add(1)
		return mqtt.NotAuthorized, nil
	}
	return mqtt.ReasonCode(s.QoS), nil
}

// subscribe makes the subscriptions that were granted, and queues the way to the retained messages behind SUBACK, if that
// can go already.
func (d *dispatcher) subscribe(q *request, p *mqtt.Subscribe, places []int, m *replica.Machine) {
	c, replay := q.client, &replay{index: m.Index()}
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
	if len(q.ordered) == 0 {
		q.answer()
	}
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
	q := &request{client: c, packetID: p.PacketID, codes: make([]mqtt.ReasonCode, len(p.Filters)), unmakes: true}
	cmd := &replica.Unsubscribe{Connection: c.number}
	var own []int
	size := 0
	for i, filter := range p.Filters {
		switch _, _, valid := topic.Parse(filter); {
		case !valid:
			q.codes[i] = mqtt.TopicFilterInvalid
		case c.inStream(filter):
			q.ordered = append(q.ordered, i)
			cmd.Filters = append(cmd.Filters, filter)
			size += len(filter) + entryOverhead
		default:
			own = append(own, i)
		}
	}
	if err := c.awaitControl(); err != nil {
		return err
	}
	if len(own) > 0 || len(q.ordered) == 0 {
		err := c.broker.config.State.Do(func(*replica.Machine) { c.broker.unsubscribe(q, p, own) })
		if err != nil || len(q.ordered) == 0 {
			return err
		}
	}
	return c.order(cmd, replica.Token{Owner: q, Kind: tokenOther}, size)
}

// unsubscribe takes away the subscriptions at those places of the packet.
func (d *dispatcher) unsubscribe(q *request, p *mqtt.Unsubscribe, places []int) {
	for _, i := range places {
		if _, known := q.client.routes.subscriptions[p.Filters[i]]; known {
			d.drop(q.client, p.Filters[i])
		} else {
			q.codes[i] = mqtt.NoSubscriptionExisted
		}
	}
	if len(q.ordered) == 0 {
		q.answer()
	}
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
