package replica

import (
	"crypto/sha256"

	"github.com/foxmq/foxmq/internal/replica/lthash"
	"github.com/foxmq/foxmq/internal/topic"
)

// Machine is the replicated state. See the package comment.
type Machine struct {
	meta
	limits   Limits
	nodes    []node
	clients  map[string]*session // by client id
	retained retained
	bans     bans

	groups map[string]*group // the shared subscriptions, by what SUBSCRIBE calls them: $share/group/filter

	// What waits for a time on behalf of sessions without a connection: in noticed what a client may wait for, too.
	noticed, unnoticed schedule

	plain             topic.Trie[*session, subscription] // the subscriptions of lasting sessions that are not shared
	shared            topic.Trie[*group, struct{}]
	subscriptionBytes int // what the subscriptions count in Limits

	matching matching
	topics   interner
	counts   Counts // and how much there is of what has no other count

	changes changes
	hash    lthash.Hash       // of the records
	sum     [sha256.Size]byte // what it was when it was last brought up to date
	scratch []byte
}

// meta is the part of the state that every transaction changes.
type meta struct {
	mark
	index  uint64 // of the last transaction
	time   int64  // of the last transaction
	bodies uint64 // how many were made
}

// node is what the machine knows of one member: its counters and the live connections of its newest boot.
type node struct {
	mark
	member      int
	incarnation uint64 // 0 before its first transaction
	next        uint64 // the number that its next transaction must have
	connections map[uint64]*session
	suspectedBy []int  // the members that take this boot to be over, ascending
	deaths      uint64 // how often it was declared dead; no part of the state
}

// New returns the empty machine of a cluster of that many members.
func New(members int, limits Limits) *Machine {
	m := &Machine{
		limits:  limits,
		nodes:   make([]node, members),
		clients: map[string]*session{},
		groups:  map[string]*group{},
	}
	for i := range m.nodes {
		m.nodes[i].member = i
		m.nodes[i].connections = map[uint64]*session{}
	}
	m.retained.limits, m.retained.changes = limits, &m.changes
	m.bans.byTarget, m.bans.changes = map[BanTarget]*ban{}, &m.changes
	m.sum = m.hash.Sum()
	m.matching.init()
	return m
}

// Index returns the index of the last transaction, 0 before the first.
func (m *Machine) Index() uint64 { return m.index }

// Time returns the consensus time of the last transaction, ns since 1970.
func (m *Machine) Time() int64 { return m.time }

// Stored reports whether a session is stored under the client id that a CONNECT without clean start would go on with.
func (m *Machine) Stored(client string) bool {
	s := m.clients[client]
	return s != nil && s.expiry > 0
}

// Apply applies the stream's next transaction, which member node put there with consensus time now in ns, and
// writes what came of it into res. It reuses res.Effects' memory; tx is not kept.
func (m *Machine) Apply(now int64, node int, tx []byte, res *Result) {
	m.index++
	m.time = now
	*res = Result{Index: m.index, Time: now, Node: node, Outcome: Ignored, Effects: res.Effects[:0]}
	m.retained.expire(now)
	m.expireBans(res)
	m.expire(res)
	d := decoder{rest: tx, topics: &m.topics}
	res.Header = d.header()
	if d.err == nil && m.inTurn(res) {
		cmd := d.command()
		res.Outcome = Invalid
		if d.err == nil {
			res.Outcome = m.execute(cmd, res)
		}
	}
	m.count(res.Outcome)
}

// inTurn reports whether the transaction is its node's next, and counts it if so. The first of a higher
// incarnation shows that the node has booted anew: the connections of its earlier boot are gone. Who suspected the node
// sees that it lives.
func (m *Machine) inTurn(res *Result) bool {
	n := &m.nodes[res.Node]
	switch {
	case res.Header.Incarnation < n.incarnation:
		return false
	case res.Header.Incarnation > n.incarnation:
		if res.Header.Number != 0 {
			return false
		}
		m.bury(n, res)
		n.incarnation, n.next = res.Header.Incarnation, 0
	}
	if res.Header.Number != n.next {
		return false
	}
	n.next++
	n.suspectedBy = n.suspectedBy[:0]
	return true
}

func (m *Machine) execute(cmd Command, res *Result) Outcome {
	s := m.nodes[res.Node].connections[cmd.connection()]
	if s == nil {
		return m.executeAlone(cmd, res)
	}
	switch c := cmd.(type) {
	case *Publish:
		return m.publish(s, c, res)
	case *Release:
		return m.release(s, c.PacketID)
	case *Subscribe:
		return m.subscribe(s, c, res)
	case *Unsubscribe:
		return m.unsubscribe(s, c, res)
	case *Ack:
		return m.acknowledge(s, c)
	case *End:
		return m.end(s, c, res)
	}
	return Invalid // a CONNECT on a connection that is there
}

// executeAlone executes a command that comes in the name of no connection that is there.
func (m *Machine) executeAlone(cmd Command, res *Result) Outcome {
	switch c := cmd.(type) {
	case *Connect:
		return m.connect(c, res)
	case *Ban:
		return m.ban(c, res)
	case *Unban:
		return m.unban(c, res)
	case *Suspect:
		return m.suspect(c, res)
	case *Tick:
		return Applied
	}
	return Stale
}

func (r *Result) effect(kind Kind, s *session) {
	r.Effects = append(r.Effects, Effect{Kind: kind, Conn: s.conn, ClientID: s.client})
}
