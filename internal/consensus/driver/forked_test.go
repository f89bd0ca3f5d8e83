package driver

import (
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// Where more members have forked than there may be liars, what each of them has is still worked for.
func TestAllHaveForked(t *testing.T) {
	c := startCluster(t, 4, 10*ms, Limits{})
	for i := range c.nodes {
		c.submit(i, 1)
	}
	c.run(1e9)
	birth := c.nodes[0].engine.Pending()
	for creator := range c.nodes {
		branch := makeEvent(t, event.Event{Creator: creator, Seq: 1, BirthRound: birth, Time: 1})
		for i, n := range c.nodes {
			n.Receive((i+1)%4, &event.Message{Events: []*event.Event{branch}}, c.now)
			c.settle(i)
		}
	}
	c.submit(0, 1)
	c.run(5e9)
	for i := range c.nodes {
		if c.ordered[i] != 5 {
			t.Errorf("node %d ordered %d transactions of 5", i, c.ordered[i])
		}
	}
}
