package node_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
)

// mourning runs nodes that take a peer to be dead after 10 s, in virtual time.
func mourning(t *testing.T, nodes int, script func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, nodes, func(_ int, cfg *node.Config) { cfg.NodeTimeout = 10 * time.Second })
		for i := range nodes {
			c.start(i)
		}
		script(t, c)
	})
}

// enter has clients connect to the members, each with a will.
func (c *cluster) enter(members ...int) {
	c.t.Helper()
	for _, i := range members {
		cmd := &replica.Connect{
			Connection: 1, ClientID: fmt.Sprintf("client-%d", i),
			Will: &replica.Message{Topic: "will", Payload: fmt.Append(nil, i)},
		}
		if err := c.members[i].node.Submit(c.t.Context(), fair.Key{}, cmd, replica.Token{}); err != nil {
			c.t.Fatal(err)
		}
	}
	for i, m := range c.members {
		if m.stop != nil {
			c.members[i].seen.await(c.t, len(members))
		}
	}
}

// wills returns the wills that the member has seen, in their order.
func (c *cluster) wills(member int) (wills []string) {
	for _, line := range c.members[member].seen.await(c.t, 0) {
		if _, will, ok := strings.Cut(line, "will="); ok {
			wills = append(wills, will)
		}
	}
	return wills
}

// suspected returns who takes the member to be dead, as another one knows.
func (c *cluster) suspected(member, knows int) (by string) {
	if err := c.members[knows].node.Do(func(m *replica.Machine) { by = fmt.Sprint(m.Suspected(member)) }); err != nil {
		c.t.Fatal(err)
	}
	return by
}

// TestTheDeadLeaveTheirWills: when a node is gone for the time-out, the others end its connections, and nobody else's.
func TestTheDeadLeaveTheirWills(t *testing.T) {
	mourning(t, 4, func(t *testing.T, c *cluster) {
		c.enter(0, 3)
		c.kill(3)
		time.Sleep(9 * time.Second)
		if got := c.wills(0); got != nil {
			t.Errorf("before the time-out: wills %v", got)
		}
		time.Sleep(3 * time.Second)
		for i := range 3 {
			if got := c.wills(i); len(got) != 1 || got[0] != "3" {
				t.Errorf("node %d: wills %v", i, got)
			}
			if s := c.members[i].node.Status(); s.Machine.Connections != 1 || s.Peers[2].Deaths != 1 {
				t.Errorf("node %d: %d connections, %+v", i, s.Machine.Connections, s.Peers[2])
			}
		}
		before := c.members[0].node.Status().Index
		time.Sleep(time.Hour)
		if after := c.members[0].node.Status().Index; after != before {
			t.Errorf("%d transactions about one who is dead", after-before)
		}
	})
}

// TestTwoOfSevenDie: those who are left are a supermajority, and enough for a verdict.
func TestTwoOfSevenDie(t *testing.T) {
	mourning(t, 7, func(t *testing.T, c *cluster) {
		c.enter(5, 6)
		c.kill(5)
		c.kill(6)
		time.Sleep(15 * time.Second)
		for i := range 5 {
			if got := c.wills(i); len(got) != 2 {
				t.Errorf("node %d: wills %v", i, got)
			}
		}
	})
}

// TestAFalseVerdict: who was only cut off learns what the others have agreed on, and goes on with new connections.
func TestAFalseVerdict(t *testing.T) {
	mourning(t, 4, func(t *testing.T, c *cluster) {
		c.enter(0, 1, 2, 3)
		for i := range 3 {
			c.disconnect(i, 3)
		}
		time.Sleep(time.Minute)
		submit := func(cmd replica.Command) {
			if err := c.members[3].node.Submit(t.Context(), fair.Key{}, cmd, replica.Token{}); err != nil {
				t.Fatal(err)
			}
		}
		submit(&replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: []byte("too late")}})
		submit(&replica.Connect{Connection: 2, ClientID: "client-3"})
		submit(&replica.Publish{Connection: 2, Message: replica.Message{Topic: "t", Payload: []byte("anew")}})
		for i := range 3 {
			c.connect(i, 3)
		}
		time.Sleep(time.Minute)
		for i := range c.members {
			lines := strings.Join(c.members[i].seen.await(t, 0), "\n")
			if got := c.wills(i); len(got) != 1 || got[0] != "3" {
				t.Errorf("node %d: wills %v", i, got)
			}
			if strings.Contains(lines, "too late") || !strings.Contains(lines, "anew") {
				t.Errorf("node %d has seen\n%s", i, lines)
			}
		}
		c.awaitAgreement(len(c.members[0].seen.await(t, 0)), 0, 1, 2, 3)
		if s := c.members[3].node.Status(); s.Deaths != 1 || s.Machine.Connections != 4 {
			t.Errorf("the node itself counts %d deaths, and %d connections", s.Deaths, s.Machine.Connections)
		}
	})
}

// TestAloneNobodyIsBelieved: a node that one peer cannot reach is alive for the others; and who takes it to be dead does
// not say so all the time.
func TestAloneNobodyIsBelieved(t *testing.T) {
	mourning(t, 4, func(t *testing.T, c *cluster) {
		c.enter(0, 3)
		before := c.members[1].node.Status().Index
		c.disconnect(0, 3)
		time.Sleep(2 * time.Minute)
		if got := c.wills(1); got != nil {
			t.Errorf("wills %v", got)
		}
		if said := c.members[1].node.Status().Index - before; said < 4 || said > 60 {
			t.Errorf("in 2 minutes %d transactions", said)
		}
	})
}

// TestBackInTime: a node that was away for less than the time-out is never suspected, and one of whom not all say so in
// time is cleared when it is back.
func TestBackInTime(t *testing.T) {
	mourning(t, 4, func(t *testing.T, c *cluster) {
		c.enter(3)
		before := c.members[1].node.Status().Index
		for range 10 {
			for i := range 3 {
				c.disconnect(i, 3)
			}
			time.Sleep(9 * time.Second)
			for i := range 3 {
				c.connect(i, 3)
			}
			time.Sleep(time.Second)
		}
		if after := c.members[1].node.Status().Index; after != before {
			t.Errorf("%d transactions about one who came back", after-before)
		}
		c.disconnect(0, 3)
		time.Sleep(5 * time.Second)
		c.disconnect(1, 3)
		c.disconnect(2, 3)
		time.Sleep(7 * time.Second)
		if by := c.suspected(3, 1); by != "[0]" {
			t.Errorf("suspected by %s", by)
		}
		for i := range 3 {
			c.connect(i, 3)
		}
		time.Sleep(time.Minute)
		if by := c.suspected(3, 1); by != "[]" {
			t.Errorf("once it is back it is suspected by %s", by)
		}
		if got := c.wills(1); got != nil {
			t.Errorf("wills %v", got)
		}
	})
}

// TestTheQuorumIsLostFirst: while too few nodes are connected no time counts.
func TestTheQuorumIsLostFirst(t *testing.T) {
	mourning(t, 4, func(t *testing.T, c *cluster) {
		c.enter(2, 3)
		c.kill(2)
		c.disconnect(0, 3)
		c.disconnect(1, 3)
		time.Sleep(time.Hour)
		for i := range 2 {
			c.connect(i, 3)
		}
		time.Sleep(9 * time.Second)
		if got := c.wills(3); got != nil {
			t.Errorf("at once: wills %v", got)
		}
		time.Sleep(6 * time.Second)
		for _, i := range []int{0, 1, 3} {
			if got := c.wills(i); len(got) != 1 || got[0] != "2" {
				t.Errorf("node %d: wills %v", i, got)
			}
		}
	})
}
