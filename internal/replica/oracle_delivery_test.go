package replica_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
)

// forgetExpired takes out of a queue what has expired before it could be sent.
func (s *oracleSession) forgetExpired(now int64) {
	s.queue = slices.DeleteFunc(s.queue, func(d oracleDelivery) bool {
		return d.Number >= s.offered && gone(d.Message, d.Time, now)
	})
}

func (o *oracle) deliver(from *oracleSession, m *replica.Message) {
	o.line("deliver", from, " "+showMessage(m))
	for _, s := range o.sessions {
		d := oracleDelivery{Delivery: replica.Delivery{Message: m, Time: o.now}}
		matches := false
		for _, f := range s.filters {
			own := f.NoLocal && s.client == from.client
			if group, filter, _ := topic.Parse(f.Filter); group == "" && topic.Match(filter, m.Topic) && !own {
				matches = true
				d.QoS = max(d.QoS, f.QoS)
				d.Retain = d.Retain || f.RetainAsPublished && m.Retain
				d.IDs = appendID(d.IDs, f.id)
			}
		}
		d.QoS = min(d.QoS, m.QoS)
		if matches {
			o.send(s, d)
		}
	}
	sort.Slice(o.groups, func(i, j int) bool { return o.groups[i].name < o.groups[j].name })
	for _, g := range o.groups {
		if _, filter, _ := topic.Parse(g.name); topic.Match(filter, m.Topic) {
			o.share(g, m)
		}
	}
}

func appendID(ids []uint32, id uint32) []uint32 {
	if id != 0 {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (o *oracle) send(s *oracleSession, d oracleDelivery) {
	if d.QoS > 0 {
		if !d.replayed && !o.fits(s) {
			if s.connected {
				o.line("overflow", s, "")
			}
			return
		}
		d.Number = s.next
		s.next++
		if s.connected {
			s.offered = s.next
		}
		s.queue = append(s.queue, d)
	}
	if s.connected {
		o.line("send", s, " "+showDelivery(&d.Delivery))
	}
}

func (o *oracle) fits(s *oracleSession) bool {
	s.forgetExpired(o.now)
	return len(s.queue)-s.replayed() < scriptLimits.Queue
}

func (s *oracleSession) replayed() (count int) {
	for _, d := range s.queue {
		if d.replayed {
			count++
		}
	}
	return count
}

func (s *oracleSession) acknowledge(a *replica.Ack) {
	for i := range s.queue {
		if slices.Contains(a.Received, s.queue[i].Number) && s.queue[i].QoS == 2 {
			s.queue[i].received = true
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(d oracleDelivery) bool { return slices.Contains(a.Done, d.Number) })
}

func (s *oracleSession) filter(name string) *oracleFilter {
	for i := range s.filters {
		if s.filters[i].Filter == name {
			return &s.filters[i]
		}
	}
	return nil
}

func (o *oracle) subscribe(s *oracleSession, c *replica.Subscribe) (outcome string) {
	for _, want := range c.Subscriptions {
		if group, _, _ := topic.Parse(want.Filter); group == "" && !s.lasting {
			return "invalid"
		}
	}
	before := o.effects
	o.effects = ""
	codes := ""
	for _, want := range c.Subscriptions {
		mayReplay := max(s.replayed(), strings.Count(o.effects, "\n")) < scriptLimits.Queue
		codes += fmt.Sprintf(" %#02x", o.grant(s, oracleFilter{want, c.ID}, mayReplay))
	}
	sends := o.effects
	o.effects = before
	o.line("subscribed", s, codes)
	o.effects += sends
	return "applied"
}

func (o *oracle) grant(s *oracleSession, f oracleFilter, mayReplay bool) (code byte) {
	known := s.filter(f.Filter)
	group, _, _ := topic.Parse(f.Filter)
	replays := group == "" && (f.RetainHandling == 0 || f.RetainHandling == 1 && known == nil)
	if known == nil && len(s.filters) == scriptLimits.SessionSubscriptions ||
		replays && !mayReplay {
		return 0x97
	}
	if known != nil {
		*known = f
	} else {
		s.filters = append(s.filters, f)
		if group != "" {
			o.join(s, f.Filter)
		}
	}
	if replays {
		o.replay(s, f)
	}
	return f.QoS
}

func (o *oracle) replay(s *oracleSession, f oracleFilter) {
	sort.Slice(o.retained, func(i, j int) bool { return o.retained[i].message.Topic < o.retained[j].message.Topic })
	for _, r := range o.retained {
		own := f.NoLocal && r.client == s.client
		if topic.Match(f.Filter, r.message.Topic) && !own {
			o.send(s, oracleDelivery{replayed: true, Delivery: replica.Delivery{
				Message: r.message, Time: r.since, IDs: appendID(nil, f.id), QoS: min(f.QoS, r.message.QoS), Retain: true,
			}})
		}
	}
}

func (o *oracle) join(s *oracleSession, name string) {
	for _, g := range o.groups {
		if g.name == name {
			g.members = append(g.members, s)
			return
		}
	}
	o.groups = append(o.groups, &oracleGroup{name: name, members: []*oracleSession{s}})
}

// unsubscribe reports whether there was such a subscription.
func (s *oracleSession) unsubscribe(o *oracle, name string) bool {
	i := slices.IndexFunc(s.filters, func(f oracleFilter) bool { return f.Filter == name })
	if i < 0 {
		return false
	}
	s.filters = slices.Delete(s.filters, i, i+1)
	for _, g := range o.groups {
		if g.name == name {
			place := slices.Index(g.members, s)
			if place < g.turn {
				g.turn--
			}
			g.members = slices.Delete(g.members, place, place+1)
			g.turn %= max(1, len(g.members))
		}
	}
	o.groups = slices.DeleteFunc(o.groups, func(g *oracleGroup) bool { return len(g.members) == 0 })
	return true
}

// share gives a message to a member of the group: to the first, from the turn on, that is connected and has room; else
// to the first that is not connected and has room; else the first that is connected is told that it misses something.
func (o *oracle) share(g *oracleGroup, m *replica.Message) {
	if o.shareWith(g, m, o.now, true) || o.shareWith(g, m, o.now, false) {
		return
	}
	for i := range g.members {
		at := (g.turn + i) % len(g.members)
		if s := g.members[at]; s.connected {
			g.turn = (at + 1) % len(g.members)
			o.line("overflow", s, "")
			return
		}
	}
}

// shareWith gives a message to a member of the group that has room and is connected, or is not.
func (o *oracle) shareWith(g *oracleGroup, m *replica.Message, since int64, connected bool) bool {
	for i := range g.members {
		at := (g.turn + i) % len(g.members)
		s := g.members[at]
		f := s.filter(g.name)
		qos := min(f.QoS, m.QoS)
		if s.connected != connected || !connected && (qos == 0 || s.expiry == 0) || qos > 0 && !o.fits(s) {
			continue
		}
		g.turn = (at + 1) % len(g.members)
		o.send(s, oracleDelivery{group: g.name, Delivery: replica.Delivery{
			Message: m, Time: since, IDs: appendID(nil, f.id), QoS: qos, Retain: f.RetainAsPublished && m.Retain,
		}})
		return true
	}
	return false
}

// handOn gives away what a session had from groups at QoS 1.
func (o *oracle) handOn(s *oracleSession, ends bool) {
	s.forgetExpired(o.now)
	var kept []oracleDelivery
	for _, d := range s.queue {
		given := false
		for _, g := range o.groups {
			if g.name == d.group && d.QoS == 1 {
				given = o.shareWith(g, d.Message, d.Time, true) || ends && o.shareWith(g, d.Message, d.Time, false)
			}
		}
		if !given {
			kept = append(kept, d)
		}
	}
	s.queue = kept
}
