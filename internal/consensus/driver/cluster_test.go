package driver

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// cluster is some nodes under test on links of one delay, in virtual time. Nothing arrives at a node that is cut off,
// or from it; nobody is told of that.
type cluster struct {
	now    int64
	delay  int64      // ns from one node to another
	jitter *rand.Rand // draws up to how many delays a message takes longer, below three; nil: none does
	nodes  []*node
	due    []int64  // by node: its next tick, 0 if none
	cut    []bool   // by node: it is cut off
	mail   []letter // under way, in the order in which it arrives
	taken  int      // events taken in, by all nodes

	ordered []int            // by node: transactions
	stale   [][]*event.Event // by node
}

type letter struct {
	at       int64
	from, to int
	message  *event.Message
}

// startCluster connects nodes, each under the limits, and runs until all of them are active.
func startCluster(t testing.TB, members int, delay int64, limits Limits) *cluster {
	return startClusterWith(t, Config{Members: members, Limits: limits}, delay)
}

// startClusterWith does it with nodes of one configuration but for Self and Source.
func startClusterWith(t testing.TB, cfg Config, delay int64) *cluster {
	c := newCluster(cfg, delay)
	for i, n := range c.nodes {
		for p := range c.nodes {
			if p != i {
				n.Connected(p, c.now)
			}
		}
		c.settle(i)
	}
	c.run(20 * delay)
	for i, n := range c.nodes {
		if n.Status().State != Active {
			t.Fatalf("node %d is not active", i)
		}
	}
	return c
}

// newCluster returns nodes that do not know of each other yet.
func newCluster(cfg Config, delay int64) *cluster {
	members := cfg.Members
	c := &cluster{
		now: 1e9, delay: delay, due: make([]int64, members), cut: make([]bool, members),
		ordered: make([]int, members), stale: make([][]*event.Event, members),
	}
	for i := range members {
		n := &node{}
		cfg.Self, cfg.Source = i, &n.load
		n.Driver = New(cfg)
		c.nodes = append(c.nodes, n)
	}
	return c
}

// connect lets a node and those that are not cut off know each other.
func (c *cluster) connect(i int) {
	c.cut[i] = false
	for p, n := range c.nodes {
		if p != i && !c.cut[p] {
			n.Connected(i, c.now)
			c.settle(p)
			c.nodes[i].Connected(p, c.now)
		}
	}
	c.settle(i)
}

// settle takes what a node has ready and sends what it says.
func (c *cluster) settle(i int) {
	n := c.nodes[i]
	r := n.settle()
	c.taken += len(r.Persist)
	c.stale[i] = append(c.stale[i], r.Stale...)
	for _, round := range r.Ordered {
		for _, o := range round.Events {
			c.ordered[i] += o.Event.Transactions()
		}
	}
	for _, s := range r.Send {
		c.post(letter{c.now + c.delay, i, s.To, s.Message})
	}
	c.due[i] = n.NextTick()
}

// post sends a letter, which arrives when it says or, with jitter, later.
func (c *cluster) post(l letter) {
	if c.jitter != nil {
		l.at += c.jitter.Int64N(3 * c.delay)
	}
	at := len(c.mail)
	for at > 0 && c.mail[at-1].at > l.at {
		at--
	}
	c.mail = slices.Insert(c.mail, at, l)
}

// submit lets a node have so many transactions.
func (c *cluster) submit(i, count int) {
	c.nodes[i].load.waiting += count
	c.nodes[i].Submitted(c.now)
	c.settle(i)
}

// run lets so many ns pass.
func (c *cluster) run(ns int64) {
	end := c.now + ns
	for c.now < end {
		node, at := -1, end
		for i, due := range c.due {
			if due != 0 && due < at {
				node, at = i, due
			}
		}
		if len(c.mail) > 0 && c.mail[0].at <= at {
			c.deliver()
			continue
		}
		c.now = max(c.now, at)
		if node >= 0 {
			c.nodes[node].Tick(c.now)
			c.settle(node)
		}
	}
}

// deliver hands over the next message.
func (c *cluster) deliver() {
	l := c.mail[0]
	c.mail = c.mail[1:]
	c.now = max(c.now, l.at)
	if !c.cut[l.to] && !c.cut[l.from] {
		c.nodes[l.to].Receive(l.from, l.message, c.now)
		c.settle(l.to)
	}
}
