package node_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
)

// gate is a consumer that applies nothing before it is opened.
type gate struct {
	*record
	opened chan struct{}
}

func (*gate) Restored(*replica.Machine) {}

// Applied implements node.Consumer.
func (g *gate) Applied(results []replica.Result) {
	<-g.opened
	g.record.Applied(results)
}

// TestSlowApplierPushesBack: on a node that applies too slowly, clients are pushed back first. It still takes in
// what the others order and makes the events that they need.
func TestSlowApplierPushesBack(t *testing.T) {
	c := newCluster(t, 4, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.PoolBytes = 1 << 20
		}
	})
	slow := c.members[0]
	g := &gate{record: slow.seen, opened: make(chan struct{})}
	slow.consumer = g
	open := sync.OnceFunc(func() { close(g.opened) })
	t.Cleanup(open)
	c.start(0, 1, 2, 3)
	large := &replica.Publish{Connection: 1, Message: replica.Message{Topic: "t", Payload: make([]byte, 64<<10)}}
	count := 0
	for ; slow.node.Status().BacklogBytes < 8<<20; count++ {
		if err := c.members[1].node.Submit(t.Context(), fair.Key{}, large, replica.Token{}); err != nil {
			t.Fatal(err)
		}
		c.members[1].seen.await(t, count)
	}
	own := 0
	var err error
	for err = slow.node.TrySubmit(fair.Key{}, large, replica.Token{}); err == nil; own++ {
		err = slow.node.TrySubmit(fair.Key{}, large, replica.Token{PacketID: uint16(own + 1)})
	}
	if !errors.Is(err, node.ErrFull) {
		t.Errorf("after %d transactions: %v", own, err)
	}
	before := slow.node.Status()
	c.submit(1, 0, 49)
	c.members[1].seen.await(t, count+50)
	eventually(t, "it makes events all the same", func() bool {
		now := slow.node.Status()
		return now.Own > before.Own && now.Round > before.Round && now.PoolCount == own
	})
	open()
	c.awaitAgreement(count+50+own, 0, 1, 2, 3)
	c.expectTokens(0, own)
}
