package node_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/store"
)

// TestAllLosePower: where logs are synced, nothing that any node has seen applied is lost with the power of all of them
// at once.
func TestAllLosePower(t *testing.T) {
	d := newDurable(t, 4)
	d.onFaultyDisks(store.Sync, 1)
	for life := range 3 {
		d.boot(d.all()...)
		end := d.publish(life, d.all()...)
		for _, m := range d.members {
			m.seen.await(t, 1000)
		}
		applied := d.cutPower(d.all()...)
		end()
		d.boot(d.all()...)
		d.load(life, 1, d.all()...)
		d.agree(0, d.all()...)
		d.assertKept(life, applied, 0)
		d.haltAll()
	}
}

// TestSomeLosePower: two machines of seven lose power at once, with logs that are synced in the background, and each
// loses a part of what it wrote since. Nothing that any node has seen applied is lost, the others go on, and the two
// come back.
func TestSomeLosePower(t *testing.T) {
	d := newDurable(t, 7)
	d.onFaultyDisks(store.Flush, 2)
	d.boot(d.all()...)
	for life := range lives(2, 12) {
		end := d.publish(life, d.all()...)
		d.awaitMore(200, d.all()...)
		losers := []int{life % 7, (life + 3) % 7}
		applied := d.cutPower(losers...)
		var others []int
		for i, m := range d.members {
			if m.stop != nil {
				others = append(others, i)
			}
		}
		d.awaitMore(100, others...)
		end()
		d.boot(losers...)
		for _, why := range d.reunite() {
			t.Logf("life %d: %v", life, why)
		}
		for i := range d.members {
			d.assertKept(life, applied, i)
		}
		d.haltAll()
		d.boot(d.all()...)
	}
}
