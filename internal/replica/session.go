package replica

import (
	"maps"
	"slices"
)

// session is what the machine knows of a client: of every connected one, and of those that are not connected whose
// session lasts.
type session struct {
	mark
	client    string
	epoch     uint64 // index of the CONNECT that made it; no other session has the same
	conn      Conn   // the connection; without one, the last
	connected bool
	lasting   bool
	expiry    uint32 // seconds; 0: it ends with the connection
	will      *Message
	willDelay uint32 // seconds

	subscriptions map[string]*holding // by filter, shared ones included
	queue         queue
	unreleased    map[byte]*page // packet identifiers of publishes at QoS 2 that wait for PUBREL

	willAt timer // only without a connection
	endAt  timer // only without a connection

	hit hit
}

// connect makes the connection its client id's current one.
func (m *Machine) connect(c *Connect, res *Result) Outcome {
	n := &m.nodes[res.Node]
	old := m.clients[c.ClientID]
	present := !c.Clean && m.Stored(c.ClientID)
	if len(n.connections) >= m.limits.Connections || c.Expiry > 0 && !present && !m.roomForSession(old) ||
		!m.roomForWill(old, c) {
		m.counts.ConnectsRefused++
		return Full
	}
	if old != nil {
		m.succeed(old, present, res)
	}
	s := old
	if !present {
		s = &session{client: c.ClientID, epoch: m.index, lasting: c.Expiry > 0}
		m.clients[c.ClientID] = s
		m.counts.Sessions += one(s.lasting)
		m.counts.SessionBytes += s.cost()
	}
	s.conn = Conn{Node: res.Node, Incarnation: n.incarnation, Number: c.Connection}
	s.connected, s.expiry, s.willDelay = true, c.Expiry, c.WillDelay
	m.setWill(s, c.Will)
	m.eachMembership(s, (*group).come)
	m.changes.touch(s)
	n.connections[c.Connection] = s
	m.counts.Connections++
	res.effect(Connected, s)
	if s.lasting {
		res.Effects[len(res.Effects)-1].Session = m.resume(s, present)
	}
	return Applied
}

// roomForSession reports whether one more lasting session fits where old, which may be nil, ends.
func (m *Machine) roomForSession(old *session) bool {
	return m.counts.Sessions-one(old != nil && old.lasting) < m.limits.Sessions
}

// roomForWill reports whether the CONNECT's will and client id fit where old, which may be nil, is. Who wants no room
// is never refused.
func (m *Machine) roomForWill(old *session, c *Connect) bool {
	had, wants := 0, sessionCost(c.ClientID, c.Will)
	if old != nil {
		had = old.cost()
	}
	return wants <= had || m.counts.SessionBytes-had+wants <= m.limits.SessionBytes
}

// setWill gives the session another will, or none.
func (m *Machine) setWill(s *session, will *Message) {
	m.counts.SessionBytes -= s.cost()
	s.will = will
	m.counts.SessionBytes += s.cost()
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// succeed prepares an older session of a client id for a new connection: the session goes on, or it ends. An older
// connection's will goes whatever its protocol version, unless the session goes on and the will has a delay, which is
// then over before its time [MQTT-3.1.3-9]: under MQTT 5 because the connection or the session ends [MQTT-3.1.2-8],
// under 3.1.1 because the server, not a DISCONNECT, closes the connection.
func (m *Machine) succeed(old *session, goesOn bool, res *Result) {
	if old.connected {
		m.leave(old, Superseded, res)
	}
	if !goesOn {
		m.finish(old, res)
		return
	}
	if old.willDelay == 0 {
		m.publishWill(old, res)
	}
	old.willAt.stop()
	old.endAt.stop()
}

// resume makes what a lasting session brings with it. From now on its owner may send all of it.
func (m *Machine) resume(s *session, present bool) *Session {
	m.expireQueue(s)
	return &Session{
		Epoch:      s.epoch,
		Present:    present,
		Next:       s.queue.next,
		Offered:    s.queue.offer(),
		Unfinished: s.queue.unfinished(),
		Unreleased: s.waiting(),
	}
}

func (m *Machine) end(s *session, e *End, res *Result) Outcome {
	m.leave(s, Ended, res)
	if e.HasExpiry && s.lasting {
		s.expiry = e.Expiry
	}
	if e.HasUnsent {
		s.queue.withdraw(e.Unsent)
	}
	m.linger(s, e.PublishWill, res)
	return Applied
}

// endAll ends the node's connections, by ascending number, and then lets their wills go. All of them have ended before
// anything is sent: nothing must be given to one that is about to end.
func (m *Machine) endAll(n *node, res *Result) {
	ended := make([]*session, 0, len(n.connections))
	groups := map[*group]struct{}{}
	for _, number := range slices.Sorted(maps.Keys(n.connections)) {
		s := n.connections[number]
		m.disconnect(s, Ended, res)
		m.eachMembership(s, func(g *group, _ *holding) { groups[g] = struct{}{} })
		ended = append(ended, s)
	}
	for g := range groups { // each at once: one member after the other would take the square of the time
		g.online = slices.DeleteFunc(g.online, func(h *holding) bool { return !h.session.connected })
	}
	for _, s := range ended {
		m.linger(s, true, res)
	}
}

// leave takes the session's connection away and says so by an effect of that kind.
func (m *Machine) leave(s *session, kind Kind, res *Result) {
	m.disconnect(s, kind, res)
	m.eachMembership(s, (*group).leave)
}

// disconnect is leave but for the groups.
func (m *Machine) disconnect(s *session, kind Kind, res *Result) {
	delete(m.nodes[s.conn.Node].connections, s.conn.Number)
	s.connected = false
	m.counts.Connections--
	res.effect(kind, s)
}

// linger begins a session's time without a connection, which may be none at all. Its will goes if publishWill.
func (m *Machine) linger(s *session, publishWill bool, res *Result) {
	m.changes.touch(s)
	if !publishWill {
		m.setWill(s, nil)
	}
	if s.expiry == 0 {
		m.finish(s, res)
		return
	}
	m.handOn(s, res)
	switch {
	case s.will == nil:
	case s.willDelay == 0:
		m.publishWill(s, res)
	default:
		s.willAt = timer{session: s, at: after(m.time, min(s.willDelay, s.expiry)), noticed: true}
		m.wait(&s.willAt)
	}
	if s.expiry == Never {
		return
	}
	s.endAt = timer{session: s, at: after(m.time, s.expiry), ends: true, noticed: s.shares()}
	m.wait(&s.endAt)
}

func (m *Machine) wait(t *timer) {
	if t.noticed {
		m.noticed.add(t)
	} else {
		m.unnoticed.add(t)
	}
}

// finish ends a session without a connection. Its will, if it is still to go, goes now [MQTT-3.1.2-8].
func (m *Machine) finish(s *session, res *Result) {
	for _, filter := range slices.Sorted(maps.Keys(s.subscriptions)) {
		m.drop(s, filter)
	}
	s.expiry = 0
	m.handOn(s, res)
	m.empty(&s.queue)
	s.endAt.stop()
	for _, p := range s.unreleased {
		m.changes.drop(p)
	}
	delete(m.clients, s.client)
	m.changes.drop(s)
	m.counts.Sessions -= one(s.lasting)
	m.publishWill(s, res)
	m.counts.SessionBytes -= s.cost() // which has no will any more
}

// publishWill publishes the will, if there is one left. A will that is to be retained but does not fit is still
// delivered: nobody is left who could be told.
func (m *Machine) publishWill(s *session, res *Result) {
	s.willAt.stop()
	will := s.will
	if will == nil {
		return
	}
	m.setWill(s, nil)
	m.changes.touch(s)
	if will.Retain {
		m.retain(s, will)
	}
	m.deliver(s, will, res)
}

// expire does what was to be done up to the machine's time, in the order of the times.
func (m *Machine) expire(res *Result) {
	for len(m.noticed)+len(m.unnoticed) > 0 {
		next := m.noticed.due(m.time)
		if other := m.unnoticed.due(m.time); other.before(next) {
			next = other
		}
		switch {
		case next == nil:
			return
		case next.ends:
			m.finish(next.session, res)
		default:
			m.publishWill(next.session, res)
		}
	}
}

// Deadline returns the consensus time, in ns, from which on the next transaction, whatever it is, has an effect that a
// client may wait for: a will goes, what a shared subscription had sent to a session goes to another, or a ban ends. The
// node is the one that had the connection, or that asked for the ban. Without such a time, ok is false.
func (m *Machine) Deadline() (at int64, node int, ok bool) {
	if len(m.noticed) > 0 {
		first := m.noticed[0]
		at, node, ok = first.at, first.session.conn.Node, true
	}
	if b := m.bans.first(); b != nil && (!ok || b.Until < at) {
		at, node, ok = b.Until, b.Node, true
	}
	return at, node, ok
}
