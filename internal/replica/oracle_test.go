package replica_test

import (
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/foxmq/foxmq/internal/replica"
)

// oracle is the machine said slowly: lists that are searched from end to end, and no encoding.
type oracle struct {
	now      int64
	index    uint64
	counters map[int][2]uint64 // node → incarnation, next number
	sessions []*oracleSession  // in the order in which they were made
	groups   []*oracleGroup
	retained []oracleRetained
	bans     []*replica.BanEntry // in the order in which they were made
	suspects map[int][]int       // suspected member → by whom
	effects  string              // of the transaction being applied, as show prints them
}

func newOracle() *oracle { return &oracle{counters: map[int][2]uint64{}, suspects: map[int][]int{}} }

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
		o.bury(node)
	}
	o.counters[node] = [2]uint64{h.Incarnation, h.Number + 1}
	delete(o.suspects, node)
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
	case *replica.Ban:
		return o.ban(conn.Node, c)
	case *replica.Unban:
		return o.unban(c.Target)
	case *replica.Suspect:
		return o.suspect(conn.Node, c)
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
		if c.HasUnsent {
			s.offered = min(s.offered, c.Unsent)
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
	o.expireBans()
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

// deadline returns when a will goes, a session ends that may have something from a group, or a ban ends; 0 if never.
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
	for _, b := range o.bans {
		if first == 0 || b.Until < first {
			first = b.Until
		}
	}
	if first == math.MaxInt64 {
		return 0
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
	c.Retained, c.Groups, c.Bans = len(o.retained), len(o.groups), len(o.bans)
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
