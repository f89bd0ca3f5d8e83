package replica

import (
	"cmp"
	"slices"
	"strings"
)

func (m *Machine) publish(s *session, p *Publish, res *Result) Outcome {
	once := p.PacketID != 0 && s.lasting
	if once && s.holds(p.PacketID) {
		return Repeated
	}
	if p.Message.Retain && !m.retain(s, &p.Message) {
		return Full
	}
	if once {
		m.hold(s, p.PacketID)
	}
	m.deliver(s, &p.Message, res)
	return Applied
}

// retain makes the session's message its topic's retained one, or clears that if the payload is empty, and
// reports whether it fits.
func (m *Machine) retain(s *session, msg *Message) bool {
	if m.retained.put(Retained{Message: msg, Index: m.index, Time: m.time, ClientID: s.client}) {
		return true
	}
	m.counts.RetainedRefused++
	return false
}

// matching gathers who is to get a message. It is empty between messages.
type matching struct {
	publisher string // the client id
	serial    uint64 // of the message
	sessions  []*session
	groups    []*group
	onSession func(*session, subscription)
	onGroup   func(*group, struct{})
}

// hit gathers a session's subscriptions that match the message with that serial.
type hit struct {
	serial uint64
	qos    byte
	retain bool // one of them wants RETAIN as published
	ids    []uint32
}

func (g *matching) init() {
	g.onSession = g.session
	g.onGroup = func(to *group, _ struct{}) { g.groups = append(g.groups, to) }
}

// session notes that a session's subscription matches.
func (g *matching) session(s *session, sub subscription) {
	if sub.noLocal && s.client == g.publisher { // [MQTT-3.8.3-3]
		return
	}
	h := &s.hit
	if h.serial != g.serial {
		*h = hit{serial: g.serial}
		g.sessions = append(g.sessions, s)
	}
	h.qos = max(h.qos, sub.qos)
	h.retain = h.retain || sub.retainAsPublished
	if sub.id != 0 {
		h.ids = append(h.ids, sub.id)
	}
}

// deliver brings a message to everybody who has subscribed to it: by one effect to the local sessions, whose
// subscriptions their nodes know, and by name to the lasting ones, oldest first, and then to the groups.
func (m *Machine) deliver(from *session, msg *Message, res *Result) {
	res.Effects = append(res.Effects, Effect{Kind: Deliver, Conn: from.conn, ClientID: from.client, Message: msg})
	if m.plain.Len() > 0 || m.shared.Len() > 0 {
		m.deliverByName(from, msg, res)
	}
}

// deliverByName sends the message to lasting sessions and groups. A session gets it once for all its matching
// subscriptions, at their highest QoS and with all their identifiers [MQTT-3.3.4-2] [MQTT-3.3.4-4]; a shared
// subscription of it is another matter.
func (m *Machine) deliverByName(from *session, msg *Message, res *Result) {
	g := &m.matching
	g.publisher = from.client
	g.serial++
	m.plain.Match(msg.Topic, g.onSession)
	m.shared.Match(msg.Topic, g.onGroup)
	if len(g.sessions) == 0 && len(g.groups) == 0 {
		return
	}
	b := m.newBody(msg, m.time)
	slices.SortFunc(g.sessions, func(a, b *session) int { return cmp.Compare(a.epoch, b.epoch) })
	for _, s := range g.sessions {
		h := &s.hit
		slices.Sort(h.ids)
		d := Delivery{Message: msg, Time: m.time, IDs: h.ids, QoS: min(h.qos, msg.QoS), Retain: h.retain && msg.Retain}
		m.send(s, &pending{Delivery: d, body: b}, res)
		h.ids = nil // they are the delivery's now
	}
	slices.SortFunc(g.groups, func(a, b *group) int { return strings.Compare(a.name, b.name) })
	for _, to := range g.groups {
		m.sendToGroup(to, b, res)
	}
	clear(g.sessions)
	clear(g.groups)
	g.sessions, g.groups = g.sessions[:0], g.groups[:0]
}

// send gives a delivery to a session: into its queue at QoS 1 and 2, and on its way if it is connected.
func (m *Machine) send(s *session, p *pending, res *Result) {
	switch {
	case p.QoS == 0:
	case p.replayed && !m.roomForBody(p.body, p.own()), !p.replayed && !m.fits(s, p.body, p.own()):
		m.refuse(s, res)
		return
	default:
		m.enqueue(s, p)
	}
	if s.connected {
		res.Effects = append(res.Effects, Effect{Kind: Send, Conn: s.conn, ClientID: s.client, Delivery: &p.Delivery})
	}
}

// refuse counts a delivery that does not fit, and has the connection closed that would miss it.
func (m *Machine) refuse(s *session, res *Result) {
	m.counts.QueueRefused++
	if s.connected {
		res.effect(Overflow, s)
	}
}
