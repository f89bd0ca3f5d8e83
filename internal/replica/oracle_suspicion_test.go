package replica_test

import (
	"slices"

	"github.com/foxmq/foxmq/internal/replica"
)

func (o *oracle) suspect(node int, c *replica.Suspect) (outcome string) {
	by := o.suspects[c.Member]
	switch {
	case c.Member >= members || c.Member == node:
		return "invalid"
	case c.Incarnation != o.counters[c.Member][0]:
		return "stale"
	case c.Withdraw && slices.Contains(by, node):
		o.acquit(c.Member, node)
		return "applied"
	case c.Withdraw || len(o.connectedTo(c.Member)) == 0:
		return "unknown"
	case !slices.Contains(by, node):
		by = append(by, node)
		slices.Sort(by)
		o.suspects[c.Member] = by
	}
	if len(by) == 3 { // of 4 members
		o.bury(c.Member)
	}
	return "applied"
}

// bury ends a node's connections, and what it suspects.
func (o *oracle) bury(node int) {
	delete(o.suspects, node)
	for member := range members {
		o.acquit(member, node)
	}
	ended := o.connectedTo(node)
	for _, s := range ended {
		o.leave(s, "ended")
	}
	for _, s := range ended {
		o.linger(s, true)
	}
}

// acquit takes a suspicion back, if there is one.
func (o *oracle) acquit(member, by int) {
	others := slices.DeleteFunc(o.suspects[member], func(other int) bool { return other == by })
	if o.suspects[member] = others; len(others) == 0 {
		delete(o.suspects, member)
	}
}
