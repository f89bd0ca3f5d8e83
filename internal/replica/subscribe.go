package replica

import (
	"slices"
	"strings"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/topic"
)

// subscription is how a session wants to get what matches one of its filters.
type subscription struct {
	id                uint32 // subscription identifier; 0 is none
	qos               byte
	noLocal           bool
	retainAsPublished bool
}

// holding is a session's subscription.
type holding struct {
	mark
	subscription
	session *session
	filter  string
	joined  uint64 // index of the SUBSCRIBE that made it, if it is shared: its place among the members; else 0
}

// levelOverhead in bytes stands for what a level of a filter costs in memory beside its name.
const levelOverhead = 256

// subscriptionCost is what a subscription counts in Limits.SubscriptionBytes.
func subscriptionCost(filter string) int {
	return 2*len(filter) + levelOverhead*(2+strings.Count(filter, "/"))
}

func (m *Machine) subscribe(s *session, c *Subscribe, res *Result) Outcome {
	if !s.lasting && !allShared(c.Subscriptions) {
		return Invalid
	}
	codes := make([]mqtt.ReasonCode, len(c.Subscriptions))
	res.effect(Subscribed, s)
	res.Effects[len(res.Effects)-1].Codes = codes
	first := len(res.Effects)
	for i := range c.Subscriptions {
		// What this command replays at QoS 0 leaves no trace in the queue, and is bounded all the same.
		waiting := max(s.queue.replayed, len(res.Effects)-first)
		codes[i] = m.grant(s, &c.Subscriptions[i], c.ID, waiting < m.limits.Queue, res)
	}
	return Applied
}

// grant makes one subscription, and replays for it if that is wanted. It is refused if it is one too many, or if it
// wants a replay where none is allowed.
func (m *Machine) grant(s *session, want *Subscription, id uint32, mayReplay bool, res *Result) mqtt.ReasonCode {
	_, known := s.subscriptions[want.Filter]
	replays := !shared(want.Filter) && (want.RetainHandling == 0 || want.RetainHandling == 1 && !known)
	if !known && !m.roomForSubscription(s, want.Filter) || replays && !mayReplay {
		m.counts.SubscriptionsRefused++
		return mqtt.QuotaExceeded
	}
	sub := subscription{id, want.QoS, want.NoLocal, want.RetainAsPublished}
	m.set(s, want.Filter, sub)
	if replays {
		m.replay(s, want.Filter, sub, res)
	}
	return mqtt.ReasonCode(want.QoS)
}

func shared(filter string) bool {
	group, _, _ := topic.Parse(filter)
	return group != ""
}

func allShared(subscriptions []Subscription) bool {
	for i := range subscriptions {
		if !shared(subscriptions[i].Filter) {
			return false
		}
	}
	return true
}

func (m *Machine) roomForSubscription(s *session, filter string) bool {
	return len(s.subscriptions) < m.limits.SessionSubscriptions &&
		m.subscriptionBytes+subscriptionCost(filter) <= m.limits.SubscriptionBytes
}

// set makes or replaces a subscription [MQTT-3.8.4-3].
func (m *Machine) set(s *session, filter string, sub subscription) {
	h := s.subscriptions[filter]
	if h == nil {
		h = &holding{session: s, filter: filter}
		if shared(filter) {
			h.joined = m.index
		}
		m.obtain(h)
	}
	h.subscription = sub
	m.changes.touch(h)
	if h.joined == 0 {
		m.plain.Subscribe(filter, s, sub)
	}
}

// obtain makes a new subscription the session's, and a shared one a membership.
func (m *Machine) obtain(h *holding) {
	m.counts.Subscriptions++
	m.subscriptionBytes += subscriptionCost(h.filter)
	if h.session.subscriptions == nil {
		h.session.subscriptions = map[string]*holding{}
	}
	h.session.subscriptions[h.filter] = h
	if h.joined > 0 {
		m.join(h)
	}
}

// drop takes away a subscription that the session has. What was sent for it stays unfinished [MQTT-3.10.4-3].
func (m *Machine) drop(s *session, filter string) {
	m.counts.Subscriptions--
	m.subscriptionBytes -= subscriptionCost(filter)
	h := s.subscriptions[filter]
	m.changes.drop(h)
	delete(s.subscriptions, filter)
	if h.joined > 0 {
		m.quit(h)
	} else {
		m.plain.Unsubscribe(filter, s)
	}
}

func (m *Machine) unsubscribe(s *session, c *Unsubscribe, res *Result) Outcome {
	codes := make([]mqtt.ReasonCode, len(c.Filters))
	for i, filter := range c.Filters {
		if _, known := s.subscriptions[filter]; known {
			m.drop(s, filter)
		} else {
			codes[i] = mqtt.NoSubscriptionExisted
		}
	}
	res.effect(Unsubscribed, s)
	res.Effects[len(res.Effects)-1].Codes = codes
	return Applied
}

// replay sends the retained messages that match a subscription, in the order of their topics. They have the RETAIN
// flag [MQTT-3.3.1-8].
func (m *Machine) replay(s *session, filter string, sub subscription, res *Result) {
	var ids []uint32
	if sub.id != 0 {
		ids = []uint32{sub.id}
	}
	m.retained.topics.Match(filter, "", func(_ string, e *entry) bool {
		if sub.noLocal && e.ClientID == s.client { // [MQTT-3.8.3-3]
			return true
		}
		if e.body == nil {
			e.body = m.newBody(e.Message, e.Time)
			m.changes.touch(e)
		}
		d := Delivery{Message: e.Message, Time: e.Time, IDs: ids, QoS: min(sub.qos, e.Message.QoS), Retain: true}
		m.send(s, &pending{Delivery: d, body: e.body, replayed: true}, res)
		return true
	})
}

// Shares returns the shared filters that the client's session is subscribed to, sorted. It changes nothing.
func (m *Machine) Shares(client string) (filters []string) {
	s := m.clients[client]
	if s == nil {
		return nil
	}
	for filter, h := range s.subscriptions {
		if h.joined > 0 {
			filters = append(filters, filter)
		}
	}
	slices.Sort(filters)
	return filters
}

// Matching calls f with each subscription of a lasting session that matches a topic, but for the shared ones, with its
// client and subscription identifier. The filter is left out. It changes nothing.
func (m *Machine) Matching(topic string, f func(client string, id uint32, s Subscription)) {
	m.plain.Match(topic, func(s *session, sub subscription) {
		f(s.client, sub.id, Subscription{QoS: sub.qos, NoLocal: sub.noLocal, RetainAsPublished: sub.retainAsPublished})
	})
}
