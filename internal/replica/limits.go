package replica

// Limits bound the machine's state. They are part of what the machine is: nodes with different limits come to
// different states, so they are not a node's setting. What would break one is refused: with Full, with reason code
// 0x97 for a subscription, or with Overflow.
type Limits struct {
	Connections   int // live connections of one node
	Retained      int // retained messages
	RetainedBytes int // their sizes together, each with its publisher's client id and messageOverhead

	Sessions             int // lasting sessions
	SessionBytes         int // of all sessions and connections together, see session.cost
	SessionSubscriptions int // of one session
	SubscriptionBytes    int // of all subscriptions together, see subscriptionCost

	// Queue and QueueBytes bound the unfinished deliveries of one session, the bytes of each counting in full, with
	// messageOverhead, four for each subscription identifier, and the name of the shared subscription. Retained messages
	// that are sent to new subscriptions do not count; but where Queue of them are unfinished, or sent by the same
	// Subscribe, a subscription that asks for more is refused.
	Queue      int
	QueueBytes int
	// Queued and QueuedBytes bound the unfinished deliveries of all sessions. Here the bytes of a message count once,
	// however many sessions wait for it, but not those of identifiers and names.
	Queued      int
	QueuedBytes int

	Bans int
}

// DefaultLimits are the limits that a cluster runs with.
var DefaultLimits = Limits{
	Connections:          1 << 20,
	Retained:             1 << 20,
	RetainedBytes:        1 << 30,
	Sessions:             1 << 20,
	SessionBytes:         1 << 30,
	SessionSubscriptions: 10_000,
	SubscriptionBytes:    1 << 30,
	Queue:                1 << 16,
	QueueBytes:           32 << 20,
	Queued:               1 << 24,
	QueuedBytes:          1 << 30,
	Bans:                 10_000,
}

// messageOverhead in bytes is what a message counts beside its own bytes. It stands for the memory that keeping track
// of it takes.
const messageOverhead = 256

// size is what the message counts in Limits.
func (m *Message) size() int {
	return len(m.Topic) + len(m.Payload) + len(m.Properties) + messageOverhead
}

// freeClientID is the length of a client id up to which it does not count: the number of sessions bounds those.
const freeClientID = 256

// cost is what the session counts in Limits.SessionBytes: its will, and what of its client id is unusually long.
func (s *session) cost() int { return sessionCost(s.client, s.will) }

func sessionCost(client string, will *Message) int {
	cost := max(0, len(client)-freeClientID)
	if will != nil {
		cost += will.size()
	}
	return cost
}

// Counts tell how much the machine holds, and what it has refused and thrown away since it was made, on this node.
type Counts struct {
	Connections   int `json:"connections"`
	Retained      int `json:"retained"`
	RetainedBytes int `json:"retained_bytes"`
	Sessions      int `json:"sessions"`      // lasting ones
	SessionBytes  int `json:"session_bytes"` // of wills, and of long client ids
	Subscriptions int `json:"subscriptions"` // of lasting sessions, and shared ones
	Groups        int `json:"groups"`        // shared subscriptions, each counting once
	Queued        int `json:"queued"`        // unfinished deliveries at QoS 1 and 2
	QueuedBytes   int `json:"queued_bytes"`  // of their messages
	Bans          int `json:"bans"`          // that hold

	RetainedRefused      uint64 `json:"retained_refused"`      // messages that Limits kept from being retained
	ConnectsRefused      uint64 `json:"connects_refused"`      // connections that Limits kept from being made
	SubscriptionsRefused uint64 `json:"subscriptions_refused"` // and subscriptions
	QueueRefused         uint64 `json:"queue_refused"`         // deliveries that Limits kept from being queued
	QueueExpired         uint64 `json:"queue_expired"`         // deliveries that expired before their first sending
	SharedLost           uint64 `json:"shared_lost"`           // of shared subscriptions, without anybody to go to
	BansRefused          uint64 `json:"bans_refused"`          // bans that Limits kept from being made

	Applied  uint64 `json:"applied"`
	Repeated uint64 `json:"repeated"`
	Stale    uint64 `json:"stale"`
	Invalid  uint64 `json:"invalid"`
	Ignored  uint64 `json:"ignored"`
}

func (m *Machine) count(o Outcome) {
	switch o {
	case Applied:
		m.counts.Applied++
	case Repeated:
		m.counts.Repeated++
	case Stale:
		m.counts.Stale++
	case Invalid:
		m.counts.Invalid++
	case Ignored:
		m.counts.Ignored++
	}
}

// Connections returns how many connections of the member there are.
func (m *Machine) Connections(member int) int { return len(m.nodes[member].connections) }

// Counts returns what the machine has counted.
func (m *Machine) Counts() Counts {
	c := m.counts
	c.Retained, c.RetainedBytes = m.retained.topics.Len(), m.retained.bytes
	c.Groups = len(m.groups)
	c.Bans = len(m.bans.byTarget)
	return c
}
