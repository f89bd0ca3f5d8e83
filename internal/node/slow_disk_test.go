package node_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// TestHungSyncInTheBackground: while a sync of one node's log hangs, which nothing waits for, all go on ordering, and that
// node's own messages are among it.
func TestHungSyncInTheBackground(t *testing.T) {
	d := newDurable(t, 4)
	d.onFaultyDisks(store.Flush, 5)
	d.flight = 20
	d.boot(d.all()...)
	end := d.publish(0, d.all()...)
	hung, release := d.holdSyncs(nil, 0)
	t.Cleanup(release)
	<-hung
	d.awaitRounds(votingRounds, d.all()...)
	d.awaitMore(100, d.all()...)
	release()
	end()
	d.settle()
	d.agree(0, d.all()...)
}

// TestHungSyncBeforeAnEvent: while the sync hangs that one node does before its next event leaves, its own messages wait,
// and the others' do not. Then all of it is ordered.
func TestHungSyncBeforeAnEvent(t *testing.T) {
	d := newDurable(t, 4)
	d.onFaultyDisks(store.Sync, 6)
	d.boot(d.all()...)
	end := d.publish(0, d.all()...)
	d.awaitMore(1, d.all()...)
	hung, release := d.holdSyncs(nil, 0)
	t.Cleanup(release)
	<-hung
	d.awaitMore(200, 1, 2, 3)
	before := d.members[0].published()
	d.awaitMore(200, 1, 2, 3)
	if after := d.members[0].published(); after != before {
		t.Errorf("%d messages of a node whose disk hangs were ordered", after-before)
	}
	release()
	d.awaitMore(1, 0)
	end()
	d.settle()
	d.agree(0, d.all()...)
}

// holdSyncs lets syncs of the members' logs hang until release is called, and then end with the error; nil: they are done.
// Hung is closed when one hangs.
func (d *durable) holdSyncs(outcome error, members ...int) (hung <-chan struct{}, release func()) {
	first, held := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(first) })
	for _, i := range members {
		d.logs[i].SetHook(func(op faultfs.Op) error {
			if op.Kind == faultfs.Sync {
				begin()
				<-held
				return outcome
			}
			return nil
		})
	}
	return first, sync.OnceFunc(func() { close(held) })
}

// settle waits until each member has seen applied all that was published at it.
func (d *durable) settle() {
	d.t.Helper()
	for i, m := range d.members {
		eventually(d.t, fmt.Sprintf("node %d has applied all", i), func() bool { return m.node.Status().PoolCount == 0 })
	}
}

// awaitRounds waits until each of the members takes part and has decided so many rounds since.
func (d *durable) awaitRounds(count uint64, members ...int) {
	d.t.Helper()
	for _, i := range members {
		eventually(d.t, fmt.Sprintf("node %d takes part", i), func() bool {
			return d.members[i].node.Status().State == "active"
		})
		from := d.members[i].node.Status().Round
		eventually(d.t, fmt.Sprintf("node %d decides rounds", i), func() bool {
			return d.members[i].node.Status().Round >= from+count
		})
	}
}
