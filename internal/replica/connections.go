package replica

import (
	"maps"
	"slices"
)

// connect makes the connection its client id's current one. Sessions die with their connections, so the older
// connection's session ends here, and its will goes whatever its protocol version: under MQTT 5 for the
// session's end [MQTT-3.1.2-8], under 3.1.1 because the server, not a DISCONNECT, closes the connection.
func (m *Machine) connect(c *Connect, res *Result) Outcome {
	n := &m.nodes[res.Node]
	if n.connections[c.Connection] != nil {
		return Invalid
	}
	if len(n.connections) >= m.limits.Connections {
		m.counts.ConnectsRefused++
		return Full
	}
	if old := m.clients[c.ClientID]; old != nil {
		m.remove(old, Superseded, true, res)
	}
	fresh := &connection{
		conn:   Conn{Node: res.Node, Incarnation: n.incarnation, Number: c.Connection},
		client: c.ClientID,
		will:   c.Will,
	}
	n.connections[c.Connection] = fresh
	m.clients[c.ClientID] = fresh
	res.effect(Connected, fresh)
	return Applied
}

func (m *Machine) end(e *End, res *Result) Outcome {
	c := m.nodes[res.Node].connections[e.Connection]
	if c == nil {
		return Stale
	}
	m.remove(c, Ended, e.PublishWill, res)
	return Applied
}

// endAll ends the node's connections, by ascending number, with their wills.
func (m *Machine) endAll(n *node, res *Result) {
	for _, number := range slices.Sorted(maps.Keys(n.connections)) {
		m.remove(n.connections[number], Ended, true, res)
	}
}

// remove forgets the connection and says so by an effect of that kind; the will goes if publishWill. A will that
// is to be retained but does not fit is still delivered: nobody is left who could be told.
func (m *Machine) remove(c *connection, kind Kind, publishWill bool, res *Result) {
	delete(m.nodes[c.conn.Node].connections, c.conn.Number)
	delete(m.clients, c.client)
	res.effect(kind, c)
	if !publishWill || c.will == nil {
		return
	}
	if c.will.Retain {
		m.retain(c, c.will)
	}
	res.deliver(c, c.will)
}
