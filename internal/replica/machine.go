package replica

// Limits bound the machine's state. They are part of what the machine is: nodes with different limits come to
// different states, so they are not a node's setting. What would break one is refused with Full.
type Limits struct {
	Connections   int // live connections of one node
	Retained      int // retained messages
	RetainedBytes int // their sizes together, see RetainedOverhead
}

// DefaultLimits are the limits that a cluster runs with.
var DefaultLimits = Limits{Connections: 1 << 20, Retained: 1 << 20, RetainedBytes: 1 << 30}

// Counts tell how much the machine holds and how often it refused since it was made, on this node.
type Counts struct {
	Connections     int    `json:"connections"`
	Retained        int    `json:"retained"`
	RetainedBytes   int    `json:"retained_bytes"`
	RetainedRefused uint64 `json:"retained_refused"` // messages that Limits kept from being retained
	ConnectsRefused uint64 `json:"connects_refused"` // connections that Limits kept from being made
	Applied         uint64 `json:"applied"`
	Stale           uint64 `json:"stale"`
	Invalid         uint64 `json:"invalid"`
	Ignored         uint64 `json:"ignored"`
}

// Machine is the replicated state. See the package comment.
type Machine struct {
	limits   Limits
	index    uint64 // of the last transaction
	time     int64  // of the last transaction
	nodes    []node
	clients  map[string]*connection // the current connection of each client id
	retained retained

	topics interner
	counts Counts
}

// node is what the machine knows of one member: its counters and the live connections of its newest boot.
type node struct {
	incarnation uint64 // 0 before its first transaction
	next        uint64 // the number that its next transaction must have
	connections map[uint64]*connection
}

// connection is one live connection of some client.
type connection struct {
	conn   Conn
	client string
	will   *Message
}

// New returns the empty machine of a cluster of that many members.
func New(members int, limits Limits) *Machine {
	m := &Machine{limits: limits, nodes: make([]node, members), clients: map[string]*connection{}}
	for i := range m.nodes {
		m.nodes[i].connections = map[uint64]*connection{}
	}
	m.retained.limits = limits
	return m
}

// Index returns the index of the last transaction, 0 before the first.
func (m *Machine) Index() uint64 { return m.index }

// Time returns the consensus time of the last transaction, ns since 1970.
func (m *Machine) Time() int64 { return m.time }

// Counts returns what the machine has counted.
func (m *Machine) Counts() Counts {
	c := m.counts
	c.Connections = len(m.clients)
	c.Retained, c.RetainedBytes = m.retained.topics.Len(), m.retained.bytes
	return c
}

// Apply applies the stream's next transaction, which member node put there with consensus time now in ns, and
// writes what came of it into res. It reuses res.Effects' memory; tx is not kept.
func (m *Machine) Apply(now int64, node int, tx []byte, res *Result) {
	m.index++
	m.time = now
	m.retained.expire(now)
	*res = Result{Index: m.index, Time: now, Node: node, Outcome: Ignored, Effects: res.Effects[:0]}
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
// incarnation shows that the node has booted anew: the connections of its earlier boot are gone.
func (m *Machine) inTurn(res *Result) bool {
	n := &m.nodes[res.Node]
	switch {
	case res.Header.Incarnation < n.incarnation:
		return false
	case res.Header.Incarnation > n.incarnation:
		if res.Header.Number != 0 {
			return false
		}
		m.endAll(n, res)
		n.incarnation, n.next = res.Header.Incarnation, 0
	}
	if res.Header.Number != n.next {
		return false
	}
	n.next++
	return true
}

func (m *Machine) execute(cmd Command, res *Result) Outcome {
	switch c := cmd.(type) {
	case *Publish:
		return m.publish(c, res)
	case *Connect:
		return m.connect(c, res)
	case *End:
		return m.end(c, res)
	}
	return Invalid
}

func (m *Machine) publish(p *Publish, res *Result) Outcome {
	c := m.nodes[res.Node].connections[p.Connection]
	if c == nil {
		return Stale
	}
	if p.Message.Retain && !m.retain(c, &p.Message) {
		return Full
	}
	res.deliver(c, &p.Message)
	return Applied
}

// retain makes the connection's message its topic's retained one, or clears that if the payload is empty, and
// reports whether it fits.
func (m *Machine) retain(c *connection, msg *Message) bool {
	if m.retained.put(Retained{Message: msg, Index: m.index, Time: m.time, ClientID: c.client}) {
		return true
	}
	m.counts.RetainedRefused++
	return false
}

func (m *Machine) count(o Outcome) {
	switch o {
	case Applied:
		m.counts.Applied++
	case Stale:
		m.counts.Stale++
	case Invalid:
		m.counts.Invalid++
	case Ignored:
		m.counts.Ignored++
	}
}

func (r *Result) effect(kind Kind, c *connection) {
	r.Effects = append(r.Effects, Effect{Kind: kind, Conn: c.conn, ClientID: c.client})
}

func (r *Result) deliver(c *connection, msg *Message) {
	r.Effects = append(r.Effects, Effect{Kind: Deliver, Conn: c.conn, ClientID: c.client, Message: msg})
}
