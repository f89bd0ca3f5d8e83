package replica

import (
	"encoding/binary"
	"math"
)

func (l *loader) session() record {
	d := &l.decoder
	flags := d.flags(sessionEnd)
	s := &session{connected: flags&sessionConnected != 0, lasting: flags&sessionLasting != 0, epoch: l.past()}
	s.conn.Node = l.node()
	s.conn.Incarnation, s.conn.Number = d.uvarint(), d.connection()
	s.expiry, s.willDelay = d.uint32(), d.uint32()
	willAt, endAt := l.time(), l.time()
	s.queue.next, s.queue.offered = d.uvarint(), d.uvarint()
	s.queue.recorded = s.queue.next
	s.client = l.client()
	if flags&sessionWill != 0 {
		s.will = l.message()
	}
	l.check(s.queue.offered <= s.queue.next, "offered what there is not")
	l.check(s.lasting || s.expiry == 0 && s.connected, "local session without a connection")
	l.check(l.sessions[s.epoch] == nil && l.machine.clients[s.client] == nil, "two sessions in one place")
	if d.err != nil {
		return nil
	}
	l.settle(s)
	if s.connected {
		l.connect(s)
	} else {
		l.disconnect(s, willAt, endAt, flags&sessionNoticed != 0)
	}
	return s
}

// node reads a member's place.
func (l *loader) node() int {
	place := l.decoder.uvarint()
	if !l.check(place < uint64(len(l.machine.nodes)), "unknown member") {
		return 0
	}
	return int(place)
}

func (l *loader) settle(s *session) {
	m := l.machine
	l.sessions[s.epoch] = s
	m.clients[s.client] = s
	m.counts.Sessions += one(s.lasting)
	m.counts.SessionBytes += s.cost()
	l.check(m.counts.SessionBytes <= m.limits.SessionBytes, "too much of sessions")
	l.check(m.counts.Sessions <= m.limits.Sessions, "too many sessions")
}

func (l *loader) connect(s *session) {
	m := l.machine
	n := &m.nodes[s.conn.Node]
	l.check(s.conn.Incarnation == n.incarnation, "connection of another incarnation")
	l.check(n.connections[s.conn.Number] == nil, "two sessions on one connection")
	l.check(len(n.connections) < m.limits.Connections, "too many connections")
	n.connections[s.conn.Number] = s
	m.counts.Connections++
}

func (l *loader) disconnect(s *session, willAt, endAt int64, noticed bool) {
	l.check(s.expiry > 0, "session without a connection that does not last")
	if s.will != nil {
		s.willAt = timer{session: s, at: willAt, noticed: true}
		l.machine.wait(&s.willAt)
	}
	if s.expiry != Never {
		s.endAt = timer{session: s, at: endAt, ends: true, noticed: noticed}
		l.machine.wait(&s.endAt)
	}
}

// epoch reads an epoch, and returns its session; nil if there is none.
func (l *loader) epoch() *session {
	s := l.sessions[l.decoder.uvarint()]
	l.check(s != nil, "no such session")
	return s
}

func (l *loader) subscription() record {
	d, m := &l.decoder, l.machine
	h := &holding{session: l.epoch(), joined: d.uvarint()}
	h.id = d.uint32()
	l.check(h.id <= maxSubscriptionID, "subscription identifier")
	sub := d.subscription()
	h.filter, h.qos, h.noLocal, h.retainAsPublished = sub.Filter, sub.QoS, sub.NoLocal, sub.RetainAsPublished
	l.check(shared(h.filter) == (h.joined > 0) && h.joined <= m.index, "place among members")
	if d.err != nil {
		return nil
	}
	s := h.session
	l.check(s.lasting || h.joined > 0, "subscription of a local session")
	if !l.check(s.subscriptions[h.filter] == nil && m.roomForSubscription(s, h.filter), "too many subscriptions") {
		return nil
	}
	l.unturned += one(h.joined > 0 && m.groups[h.filter] == nil)
	m.obtain(h)
	if h.joined == 0 {
		m.plain.Subscribe(h.filter, s, h.subscription)
	}
	return h
}

func (l *loader) page() record {
	d := &l.decoder
	p := &page{session: l.epoch(), number: d.byte()}
	empty := true
	for i := range p.ids {
		if l.check(len(d.rest) >= 8, "truncated") {
			p.ids[i] = binary.BigEndian.Uint64(d.rest)
			d.rest = d.rest[8:]
		}
		empty = empty && p.ids[i] == 0
	}
	if !l.check(!empty, "empty page") {
		return nil
	}
	if p.session.unreleased == nil {
		p.session.unreleased = map[byte]*page{}
	}
	p.session.unreleased[p.number] = p
	return p
}

func (l *loader) queued() record {
	d := &l.decoder
	flags := d.flags(queuedEnd)
	s, number := l.epoch(), d.uvarint()
	b := l.bodies[d.uvarint()]
	l.check(b != nil && b.mark != nil, "no such body")
	group := l.groupName()
	ids := l.ids()
	if d.err != nil {
		return nil
	}
	p := &pending{
		Delivery: Delivery{
			Message: b.message, Number: number, Time: b.time, IDs: ids, QoS: flags & 3, Retain: flags&queuedRetain != 0,
		},
		body: b, group: group, received: flags&queuedReceived != 0, replayed: flags&queuedReplayed != 0,
	}
	l.check(p.QoS == 1 && !p.received || p.QoS == 2, "QoS")
	if !l.check(number < s.queue.next, "number to come") {
		return nil
	}
	l.wait(s, p)
	p.record = &queued{session: s, pending: p}
	return p.record
}

// wait puts a delivery into the queue.
func (l *loader) wait(s *session, p *pending) {
	m, q := l.machine, &s.queue
	l.check(p.replayed && m.roomForBody(p.body, p.own()) || !p.replayed && m.roomInQueue(q, p.body, p.own()), "too much in queues")
	l.unused -= one(p.body.uses == 0)
	m.admit(q, p)
	if p.Number >= q.offered && p.Message.HasExpiry {
		q.expires(p)
	}
}

// groupName reads the name of a shared subscription, which may be gone; empty is none.
func (l *loader) groupName() string {
	b := l.decoder.block(math.MaxUint16)
	if g := l.machine.groups[string(b)]; g != nil {
		return g.name
	}
	return string(b)
}

// ids reads all the rest as subscription identifiers.
func (l *loader) ids() (ids []uint32) {
	d := &l.decoder
	for least := uint32(1); d.err == nil && len(d.rest) > 0; {
		id := d.uint32()
		l.check(id >= least && id <= maxSubscriptionID, "subscription identifiers")
		ids = append(ids, id)
		least = id
	}
	return ids
}
