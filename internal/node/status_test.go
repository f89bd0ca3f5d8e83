package node_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/node"
)

// mute is a network on which its member says nothing while it is told so.
type mute struct {
	*network
	on atomic.Bool
}

// Send implements node.Transport.
func (m *mute) Send(to int, message *event.Message) bool {
	return m.on.Load() || m.network.Send(to, message)
}

// TestNotReadyWhereNothingIsOrdered: a node whose peers are connected and take no part says so when publishes have waited
// for long, and is ready again when they are ordered.
func TestNotReadyWhereNothingIsOrdered(t *testing.T) {
	var passed atomic.Int64
	c := newCluster(t, 4, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.Now = func() int64 { return time.Now().UnixNano() + passed.Load() }
		}
	})
	silent := &mute{network: c.members[2].net}
	c.members[2].transport = silent
	c.start(0, 1, 2, 3)
	c.submit(0, 0, 10)
	c.awaitAgreement(11, 0, 1, 2, 3)
	n := c.members[0].node
	ready := func() bool { is, _ := n.Ready(); return is }
	eventually(t, "it is ready", ready)

	c.kill(3)
	silent.on.Store(true)
	passed.Add(int64(time.Minute))
	if is, why := n.Ready(); !is {
		t.Errorf("with nothing submitted it is not ready: %s", why)
	}
	c.submit(0, 100, 1)
	eventually(t, "it says that nothing is ordered", func() bool {
		passed.Add(int64(time.Second))
		is, why := n.Ready()
		return !is && strings.HasPrefix(why, "nothing was ordered for ")
	})

	silent.on.Store(false)
	for i := range 2 {
		c.disconnect(i, 2)
		c.connect(i, 2)
	}
	c.awaitAgreement(13, 0, 1, 2)
	eventually(t, "it is ready again", ready)
}
