package node_test

import (
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/replica"
)

// leave has a client at node 0 connect, with a will that is delayed by a second, and go: two transactions.
func (c *cluster) leave() {
	c.t.Helper()
	for _, cmd := range []replica.Command{
		&replica.Connect{
			Connection: 1, ClientID: "gone", Expiry: 60,
			Will: &replica.Message{Topic: "will", Payload: []byte("late")}, WillDelay: 1,
		},
		&replica.End{Connection: 1, PublishWill: true},
	} {
		if err := c.members[0].node.Submit(c.t.Context(), cmd, replica.Token{}); err != nil {
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

// TestTimePassesInAnIdleCluster: nobody submits anything, and a delayed will goes all the same.
func TestTimePassesInAnIdleCluster(t *testing.T) {
	c := newCluster(t, 4, nil)
	c.start(0, 1, 2, 3)
	c.leave()
	c.expectWill(0, 1, 2, 3)
	eventually(t, "no tick is left", func() bool { return c.members[0].node.Status().PoolCount == 0 })
}

// TestTimePassesWithoutTheOwner: the node whose client went is gone too, so another one sees to its will.
func TestTimePassesWithoutTheOwner(t *testing.T) {
	c := newCluster(t, 4, nil)
	c.start(0, 1, 2, 3)
	c.leave()
	c.awaitAgreement(2, 1, 2, 3)
	c.kill(0)
	c.expectWill(1, 2, 3)
}
