package node_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// lives returns how often the power goes in a test.
func lives(few, many int) int {
	if os.Getenv("FOXMQ_LONG") != "" {
		return many
	}
	return few
}

// TestAllLosePowerUnsynced: all machines lose power at once, and each keeps another part of what it wrote since its log
// was last synced in the background. What was synced everywhere is there, and all go on with one stream.
func TestAllLosePowerUnsynced(t *testing.T) {
	d := newDurable(t, 4)
	d.onFaultyDisks(store.Flush, 3)
	for life := range lives(2, 60) {
		d.boot(d.all()...)
		end := d.publish(life, d.all()...)
		d.awaitMore(200, d.all()...)
		synced := d.applied()
		d.awaitSync()
		d.awaitMore(200, d.all()...)
		d.cutPower(d.all()...)
		end()
		d.boot(d.all()...)
		for _, why := range d.reunite() {
			t.Logf("life %d: %v", life, why)
		}
		for i := range d.members {
			d.assertKept(life, synced, i)
		}
		d.haltAll()
	}
}

// TestOneKeepsMore: all machines lose power at once. One of them loses nothing, and comes back when the others have gone
// on from what they had synced. It gives way: what they have done meanwhile stays, and all have one stream. At first it gets
// the events from the beginning; after some lives the others have let go of these, and it fetches a checkpoint.
func TestOneKeepsMore(t *testing.T) {
	const last = 3
	others := []int{0, 1, 2}
	d := newDurable(t, 4)
	d.onFaultyDisks(store.Flush, 4)
	d.keep = -1
	for i := range d.configs {
		d.configs[i].Limits.KeptEvents = 1 << 13
		d.configs[i].Policy.Reunion = 2e9
	}
	for life := range lives(1, 20) {
		d.boot(d.all()...)
		end := d.publish(2*life, d.all()...)
		d.awaitMore(200, d.all()...)
		synced := d.applied()
		d.awaitSync()
		_, release := d.holdSyncs(faultfs.ErrPower, others...)
		d.awaitRounds(votingRounds, d.all()...)
		d.pullPlugs(d.all()...)
		release()
		d.switchOff(d.all()...)
		end()
		for _, i := range others {
			d.logs[i].RestartSynced()
		}
		d.logs[last].Restart(false)

		d.boot(others...)
		end = d.publish(2*life+1, others...)
		d.awaitRounds(2*votingRounds, others...)
		end()
		since := d.applied()[:last]
		d.boot(last)
		ends := d.reunite()
		if len(ends) == 0 || !errors.Is(ends[0], node.ErrDiverged) {
			t.Errorf("life %d: the one that kept more does not give way: %v", life, ends)
		}
		for i := range d.members {
			d.assertKept(2*life, synced, i)
			d.assertKept(2*life+1, since, i)
		}
		d.haltAll()
	}
}

// awaitSync waits until all that the members have written so far is on their disks: for two syncs, as names are synced
// after what they name.
func (d *durable) awaitSync() {
	d.t.Helper()
	for range 2 {
		for i, s := range d.stores {
			written := s.Stats().Log.Bytes
			eventually(d.t, fmt.Sprintf("node %d syncs its log", i), func() bool {
				log := s.Stats().Log
				written = min(written, log.Bytes) // old segments go meanwhile
				return log.Bytes-log.Unsynced >= written
			})
		}
	}
}
