package replica

import "slices"

// suspect notes that the submitter takes another member to be dead, or no longer does. The member is declared dead when a
// supermajority does at once.
func (m *Machine) suspect(c *Suspect, res *Result) Outcome {
	if c.Member >= len(m.nodes) || c.Member == res.Node {
		return Invalid
	}
	n := &m.nodes[c.Member]
	if c.Incarnation != n.incarnation {
		return Stale
	}
	if c.Withdraw {
		return n.acquit(res.Node)
	}
	if len(n.connections) == 0 {
		return Unknown
	}
	if place, found := slices.BinarySearch(n.suspectedBy, res.Node); !found {
		n.suspectedBy = slices.Insert(n.suspectedBy, place, res.Node)
	}
	if len(n.suspectedBy) > 2*len(m.nodes)/3 {
		n.deaths++
		m.bury(n, res)
	}
	return Applied
}

// acquit takes a member's suspicion back.
func (n *node) acquit(by int) Outcome {
	place, found := slices.BinarySearch(n.suspectedBy, by)
	if !found {
		return Unknown
	}
	n.suspectedBy = slices.Delete(n.suspectedBy, place, place+1)
	return Applied
}

// bury ends all that there is of a member's life so far: its connections, and its suspicions of others, since only who
// lives can tell who does not.
func (m *Machine) bury(n *node, res *Result) {
	n.suspectedBy = n.suspectedBy[:0]
	for i := range m.nodes {
		m.nodes[i].acquit(n.member)
	}
	m.endAll(n, res)
}

// Incarnation returns the member's newest one that the machine knows of, 0 if none.
func (m *Machine) Incarnation(member int) uint64 { return m.nodes[member].incarnation }

// Suspected returns the members that take the member to be dead, in ascending order. The list is valid until the next
// Apply.
func (m *Machine) Suspected(member int) []int { return m.nodes[member].suspectedBy }

// Deaths returns how often the member was declared dead since the machine was made, on this node.
func (m *Machine) Deaths(member int) uint64 { return m.nodes[member].deaths }
