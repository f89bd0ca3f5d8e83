package replica_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/topic"
)

// oracle is the machine said slowly: lists that are searched from end to end, and no encoding.
type oracle struct {
	now      int64
	index    uint64
	counters map[int][2]uint64 // node → incarnation, next number
	sessions []*oracleSession  // in the order in which they were made
	groups   []*oracleGroup
	retained []oracleRetained
	effects  string // of the transaction being applied, as show prints them
}

type oracleSession struct {
	client    string
	epoch     uint64
	conn      replica.Conn // the last one, if not connected
	connected bool
	lasting   bool
	expiry    uint32
	will      *replica.Message
	delay     uint32
	willAt    int64 // 0: it waits for nothing
	endAt     int64
	fromGroup bool // when its connection ended something from a group was in its queue
	filters   []oracleFilter
	next      uint64
	offered   uint64 // no connection has had the deliveries from this number on
	queue     []oracleDelivery
	held      []int // packet identifiers
}

type oracleFilter struct {
	replica.Subscription
	id uint32
}

type oracleDelivery struct {
	replica.Delivery
	group    string
	received bool
	replayed bool
}

type oracleGroup struct {
	name    string
	members []*oracleSession
	turn    int
}

type oracleRetained struct {
	message *replica.Message
	since   int64
	client  string
}

// apply says what show prints for the transaction.
func (o *oracle) apply(now int64, node int, h replica.Header, cmd replica.Command) string {
	o.now = now
	o.index++
	o.effects = ""
	o.expire()
	last := o.counters[node]
	switch {
	case h.Incarnation < last[0] || h.Incarnation > last[0] && h.Number != 0:
		return "ignored\n" + o.effects
	case h.Incarnation == last[0] && h.Number != last[1]:
		return "ignored\n" + o.effects
	case h.Incarnation > last[0]:
		for _, s := range o.connectedTo(node) {
			o.leave(s, "ended")
			o.linger(s, true)
		}
	}
	o.counters[node] = [2]uint64{h.Incarnation, h.Number + 1}
	outcome := o.execute(replica.Conn{Node: node, Incarnation: h.Incarnation}, cmd)
	return outcome + "\n" + o.effects
}

// connectedTo returns the sessions connected to a node, by their connections' numbers.
func (o *oracle) connectedTo(node int) (all []*oracleSession) {
	for _, s := range o.sessions {
		if s.connected && s.conn.Node == node {
			all = append(all, s)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].conn.Number < all[j].conn.Number })
	return all
}

func (o *oracle) execute(conn replica.Conn, cmd replica.Command) (outcome string) {
	switch c := cmd.(type) {
	case *replica.Tick:
		return "applied"
	case *replica.Connect:
		conn.Number = c.Connection
		return o.connect(conn, c)
	case *replica.End:
		conn.Number = c.Connection
	case *replica.Publish:
		conn.Number = c.Connection
	case *replica.Release:
		conn.Number = c.Connection
	case *replica.Subscribe:
		conn.Number = c.Connection
	case *replica.Unsubscribe:
		conn.Number = c.Connection
	case *replica.Ack:
		conn.Number = c.Connection
	}
	for _, s := range o.connectedTo(conn.Node) {
		if s.conn == conn {
			return o.ask(s, cmd)
		}
	}
	return "stale"
}

func (o *oracle) ask(s *oracleSession, cmd replica.Command) (outcome string) {
	switch c := cmd.(type) {
	case *replica.Publish:
		return o.publish(s, c)
	case *replica.Release:
		i := slices.Index(s.held, int(c.PacketID))
		if i < 0 {
			return "unknown"
		}
		s.held = slices.Delete(s.held, i, i+1)
	case *replica.Subscribe:
		return o.subscribe(s, c)
	case *replica.Unsubscribe:
		codes := ""
		for _, filter := range c.Filters {
			if s.unsubscribe(o, filter) {
				codes += " 0x00"
			} else {
				codes += " 0x11"
			}
		}
		o.line("unsubscribed", s, codes)
	case *replica.Ack:
		s.acknowledge(c)
	case *replica.End:
		o.leave(s, "ended")
		if c.HasExpiry && s.lasting {
			s.expiry = c.Expiry
		}
		o.linger(s, c.PublishWill)
	}
	return "applied"
}

// line adds an effect.
func (o *oracle) line(what string, s *oracleSession, more string) {
	o.effects += "  " + what + " " + showConn(s.conn) + " " + s.client + more + "\n"
}

func (o *oracle) connect(conn replica.Conn, c *replica.Connect) (outcome string) {
	neighbours := o.connectedTo(conn.Node)
	for _, s := range neighbours {
		if s.conn == conn {
			return "invalid"
		}
	}
	var old *oracleSession
	lasting := 0
	for _, s := range o.sessions {
		if s.client == c.ClientID {
			old = s
		} else if s.lasting {
			lasting++
		}
	}
	present := old != nil && old.expiry > 0 && !c.Clean
	if len(neighbours) == scriptLimits.Connections ||
		c.Expiry > 0 && !present && lasting == scriptLimits.Sessions {
		return "full"
	}
	if old != nil {
		o.takeOver(old, present)
	}
	s := old
	if !present {
		s = &oracleSession{client: c.ClientID, epoch: o.index, lasting: c.Expiry > 0}
		o.sessions = append(o.sessions, s)
	}
	s.forgetExpired(o.now)
	s.conn, s.connected, s.expiry, s.will, s.delay = conn, true, c.Expiry, c.Will, c.WillDelay
	o.line("connected", s, s.bring(present))
	return "applied"
}

func (o *oracle) takeOver(old *oracleSession, goesOn bool) {
	if old.connected {
		o.leave(old, "superseded")
	}
	switch {
	case !goesOn:
		o.finish(old)
	case old.delay == 0:
		o.publishWill(old)
	}
	old.willAt, old.endAt = 0, 0
}

// bring says what a session brings with it.
func (s *oracleSession) bring(present bool) string {
	if !s.lasting {
		return ""
	}
	info := &replica.Session{Epoch: s.epoch, Present: present, Offered: s.offered, Next: s.next}
	s.offered = s.next
	for i := range s.queue {
		info.Unfinished = append(info.Unfinished,
			replica.Unfinished{Delivery: &s.queue[i].Delivery, Received: s.queue[i].received})
	}
	sort.Ints(s.held)
	for _, id := range s.held {
		info.Unreleased = append(info.Unreleased, uint16(id))
	}
	return showSession(info)
}

func (o *oracle) leave(s *oracleSession, how string) {
	s.connected = false
	o.line(how, s, "")
}

func (o *oracle) linger(s *oracleSession, will bool) {
	if !will {
		s.will = nil
	}
	if s.expiry == 0 {
		o.finish(s)
		return
	}
	o.handOn(s, false)
	if s.delay == 0 {
		o.publishWill(s)
	}
	if s.will != nil {
		s.willAt = o.now + int64(min(s.delay, s.expiry))*second
	}
	s.endAt = o.now + int64(s.expiry)*second
	s.fromGroup = slices.ContainsFunc(s.queue, func(d oracleDelivery) bool { return d.group != "" })
}

func (o *oracle) finish(s *oracleSession) {
	for len(s.filters) > 0 {
		s.unsubscribe(o, s.filters[0].Filter)
	}
	o.handOn(s, true)
	o.sessions = slices.DeleteFunc(o.sessions, func(other *oracleSession) bool { return other == s })
	o.publishWill(s)
}

func (o *oracle) publishWill(s *oracleSession) {
	will := s.will
	s.will, s.willAt = nil, 0
	if will == nil {
		return
	}
	if will.Retain {
		o.retain(s, will)
	}
	o.deliver(s, will)
}

// expire does what is due, the earliest first, and drops what is no more.
func (o *oracle) expire() {
	o.retained = slices.DeleteFunc(o.retained, func(r oracleRetained) bool { return gone(r.message, r.since, o.now) })
	for {
		var first *oracleSession
		at, will := o.now+1, false
		for _, s := range o.sessions {
			if s.endAt != 0 && s.endAt < at {
				first, at, will = s, s.endAt, false
			}
		}
		for _, s := range o.sessions {
			if s.willAt != 0 && (s.willAt < at || s.willAt == at && first != nil && !will && s.epoch <= first.epoch) {
				first, at, will = s, s.willAt, true
			}
		}
		if first == nil {
			return
		}
		if will {
			o.publishWill(first)
		} else {
			o.finish(first)
		}
	}
}

// gone tells whether a message has expired.
func gone(m *replica.Message, since, now int64) bool {
	return m.HasExpiry && since+int64(m.Expiry)*second <= now
}

// forgetExpired takes out of a queue what has expired before it could be sent.
func (s *oracleSession) forgetExpired(now int64) {
	s.queue = slices.DeleteFunc(s.queue, func(d oracleDelivery) bool {
		return d.Number >= s.offered && gone(d.Message, d.Time, now)
	})
}

func (o *oracle) publish(s *oracleSession, p *replica.Publish) (outcome string) {
	once := s.lasting && p.PacketID != 0
	if once && slices.Contains(s.held, int(p.PacketID)) {
		return "repeated"
	}
	if p.Message.Retain && !o.retain(s, &p.Message) {
		return "full"
	}
	if once {
		s.held = append(s.held, int(p.PacketID))
	}
	o.deliver(s, &p.Message)
	return "applied"
}

func (o *oracle) retain(s *oracleSession, m *replica.Message) bool {
	others := slices.DeleteFunc(slices.Clone(o.retained), func(r oracleRetained) bool {
		return r.message.Topic == m.Topic
	})
	if len(m.Payload) > 0 {
		if len(others) == scriptLimits.Retained {
			return false
		}
		others = append(others, oracleRetained{m, o.now, s.client})
	}
	o.retained = others
	return true
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
		if s.connected != connected || qos == 0 && !connected || qos > 0 && !o.fits(s) {
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

// deadline returns when a will goes, or a session ends that may have something from a group; 0 if never.
func (o *oracle) deadline() (first int64) {
	for _, s := range o.sessions {
		shares := slices.ContainsFunc(s.filters, func(f oracleFilter) bool { return strings.HasPrefix(f.Filter, "$share") }) ||
			s.fromGroup
		for _, at := range []int64{s.willAt, s.endAt} {
			if at != 0 && (at == s.willAt || shares) && (first == 0 || at < first) {
				first = at
			}
		}
	}
	return first
}

func (o *oracle) retainedMessages() string {
	var lines []string
	for _, r := range o.retained {
		lines = append(lines, showMessage(r.message)+"\n")
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// counts says how much there is.
func (o *oracle) counts() (c replica.Counts) {
	c.Retained, c.Groups = len(o.retained), len(o.groups)
	for _, s := range o.sessions {
		c.Subscriptions += len(s.filters)
		if s.connected {
			c.Connections++
		}
		if s.lasting {
			c.Sessions++
		}
	}
	return c
}
