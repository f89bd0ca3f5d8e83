package node_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
)

// leave has a client at node 0 connect, with a will that is delayed by so many seconds, and go: two transactions.
func (c *cluster) leave(delay uint32) {
	c.t.Helper()
	for _, cmd := range []replica.Command{
		&replica.Connect{
			Connection: 1, ClientID: "gone", Expiry: 2 * delay,
			Will: &replica.Message{Topic: "will", Payload: []byte("late")}, WillDelay: delay,
		},
		&replica.End{Connection: 1, PublishWill: true},
	} {
		if err := c.members[0].node.Submit(c.t.Context(), fair.Key{}, cmd, replica.Token{}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// expectWill waits for the next transactions, one of which must bring the will.
func (c *cluster) expectWill(members ...int) {
	c.t.Helper()
	for count := 3; ; count++ {
		c.awaitAgreement(count, members...)
		last := c.members[members[0]].seen.await(c.t, count)[count-1]
		if strings.HasSuffix(last, "will=late") {
			return
		}
	}
}

// TestTimePassesWithoutTheOwner: the node whose client went is gone too, so another one sees to its will.
func TestTimePassesWithoutTheOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4, nil)
		c.start(0, 1, 2, 3)
		c.leave(10)
		c.awaitAgreement(2, 1, 2, 3)
		c.kill(0)
		c.expectWill(1, 2, 3)
	})
}

// TestIdleUntilItIsTime: a will that goes in an hour is no reason to make events before, and then it goes.
func TestIdleUntilItIsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4, nil)
		c.start(0, 1, 2, 3)
		c.leave(3600)
		c.awaitAgreement(2, 0, 1, 2, 3)
		time.Sleep(time.Minute) // until what that took has come to rest
		made := func() (events uint64) {
			for _, m := range c.members {
				events += m.node.Status().Own
			}
			return events
		}
		before := made()
		time.Sleep(58 * time.Minute)
		if after := made(); after != before {
			t.Errorf("%d events were made with nothing to do", after-before)
		}
		time.Sleep(2 * time.Minute)
		c.expectWill(0, 1, 2, 3)
		if count := len(c.members[0].seen.await(t, 3)); count != 3 {
			t.Errorf("it took %d ticks", count-2)
		}
	})
}
