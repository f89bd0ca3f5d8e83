package replica

import (
	"cmp"
	"slices"

	"github.com/foxmq/foxmq/internal/topic"
)

// group is a shared subscription: of its members, which may be anywhere in the cluster, one gets each message. A group
// has members.
type group struct {
	mark
	name    string     // $share/group/filter
	members []*holding // in the order in which they joined
	online  []*holding // those of them that are connected, in the same order
	turn    int        // the place of the member that is to be asked first for the next message
}

// join makes a session a member.
func (m *Machine) join(h *holding) {
	g := m.groups[h.filter]
	if g == nil {
		g = &group{name: h.filter}
		m.groups[g.name] = g
		m.changes.touch(g)
		_, filter, _ := topic.Parse(g.name)
		m.shared.Subscribe(filter, g, struct{}{})
	}
	g.members = append(g.members, h)
	if h.session.connected {
		g.come(h)
	}
}

// from returns the place of the first in a list that joined at that index or later.
func from(list []*holding, joined uint64) (place int, found bool) {
	return slices.BinarySearchFunc(list, joined, func(h *holding, joined uint64) int { return cmp.Compare(h.joined, joined) })
}

// come notes that a member is connected.
func (g *group) come(h *holding) {
	if place, found := from(g.online, h.joined); !found {
		g.online = slices.Insert(g.online, place, h)
	}
}

// leave notes that a member is not connected.
func (g *group) leave(h *holding) {
	if place, found := from(g.online, h.joined); found {
		g.online = slices.Delete(g.online, place, place+1)
	}
}

// each calls f with what a session has of shared subscriptions.
func (m *Machine) eachMembership(s *session, f func(*group, *holding)) {
	for _, h := range s.subscriptions {
		if h.joined > 0 {
			f(m.groups[h.filter], h)
		}
	}
}

// quit ends a membership.
func (m *Machine) quit(h *holding) {
	g := m.groups[h.filter]
	place, _ := from(g.members, h.joined)
	g.leave(h)
	g.members = slices.Delete(g.members, place, place+1)
	if place < g.turn {
		g.turn--
	}
	if len(g.members) > 0 {
		m.give(g, g.turn)
		return
	}
	delete(m.groups, g.name)
	m.changes.drop(g)
	_, filter, _ := topic.Parse(g.name)
	m.shared.Unsubscribe(filter, g)
}

// give gives the turn to the member at that place, or to the first if it is behind the last.
func (m *Machine) give(g *group, place int) {
	g.turn = place % len(g.members)
	m.changes.touch(g)
}

// How well a member could take a message: the best takes it, and of equals the one whose turn comes first.
const (
	unable  = iota
	waiting // it has no connection, but its session lasts
	able    // it is connected
)

// choose finds the member that a message is for, if one can take it, and gives the turn to the next. It passes over
// what is less than least.
func (m *Machine) choose(g *group, b *body, least int) *holding {
	to := m.first(g, g.online, able, b)
	if to == nil && least <= waiting && b.message.QoS > 0 { // nobody waits for QoS 0
		to = m.first(g, g.members, waiting, b)
	}
	if to != nil {
		place, _ := from(g.members, to.joined)
		m.give(g, place+1)
	}
	return to
}

// first returns the first in a list, from the turn on, that could take a message so well; nil if none can. Those that are
// connected have a list of their own, so that nobody looks for them among very many that are not.
func (m *Machine) first(g *group, list []*holding, ability int, b *body) *holding {
	start, _ := from(list, g.members[g.turn].joined)
	for i := range list {
		if h := list[(start+i)%len(list)]; m.ability(h, b) == ability {
			return h
		}
	}
	return nil
}

func (m *Machine) ability(to *holding, b *body) int {
	kept := min(to.qos, b.message.QoS) > 0
	switch {
	case kept && !m.fits(to.session, b, ownBytes(to.filter, one(to.id != 0))):
		return unable
	case to.session.connected:
		return able
	case kept && to.session.expiry > 0: // else it is about to end
		return waiting
	default:
		return unable
	}
}

// sendToGroup gives a message to one member. If nobody can take it, because too much waits for each that would keep
// it, the connected one whose turn it is hears of that.
func (m *Machine) sendToGroup(g *group, b *body, res *Result) {
	if to := m.choose(g, b, waiting); to != nil {
		m.sendToMember(g, to, b, res)
		return
	}
	m.counts.SharedLost++
	if len(g.online) > 0 {
		start, _ := from(g.online, g.members[g.turn].joined)
		next := g.online[start%len(g.online)]
		at, _ := from(g.members, next.joined)
		m.give(g, at+1)
		m.refuse(next.session, res)
	}
}

func (m *Machine) sendToMember(g *group, to *holding, b *body, res *Result) {
	var ids []uint32
	if to.id != 0 {
		ids = []uint32{to.id}
	}
	m.send(to.session, &pending{Delivery: Delivery{
		Message: b.message,
		Time:    b.time,
		IDs:     ids,
		QoS:     min(to.qos, b.message.QoS),
		Retain:  to.retainAsPublished && b.message.Retain,
	}, body: b, group: g.name}, res)
}

// shares reports whether something from a shared subscription may wait for the session.
func (s *session) shares() bool {
	for filter := range s.subscriptions {
		if shared(filter) {
			return true
		}
	}
	return len(s.queue.fromGroups()) > 0
}

// handOn gives what a session without a connection has at QoS 1 from shared subscriptions to other members: to
// connected ones, and if the session ends to any. At QoS 2 it stays with the session [MQTT-4.8.2-4], and if that ends,
// goes to nobody [MQTT-4.8.2-5].
func (m *Machine) handOn(s *session, res *Result) {
	m.expireQueue(s)
	least, ends := able, s.expiry == 0
	if ends {
		least = waiting
	}
	q := &s.queue
	refused := map[string]int{} // by group: how small a message was for which nobody had room
	for _, p := range q.fromGroups() {
		size := p.Message.size()
		smallest, known := refused[p.group]
		hopeless := p.QoS != 1 || known && size >= smallest
		switch {
		case !hopeless && m.handTo(m.groups[p.group], p.body, least, res):
			m.complete(q, q.find(p.Number))
			continue
		case !hopeless:
			refused[p.group] = size
		}
		if ends {
			m.counts.SharedLost++
		}
	}
	q.tidy()
}

// handTo gives a message to another member of the group, which may be gone, and reports whether one takes it.
func (m *Machine) handTo(g *group, b *body, least int, res *Result) bool {
	if g == nil {
		return false
	}
	to := m.choose(g, b, least)
	if to == nil {
		return false
	}
	m.sendToMember(g, to, b, res)
	return true
}
