package node

import (
	"testing"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/store"
)

// urgency is a disk that remembers whether what it was last given to write was urgent.
type urgency struct {
	Disk
	urgent bool
}

func (u *urgency) Recovered() store.Recovered { return store.Recovered{Unsure: true} }

func (u *urgency) Append(_ []store.Record, urgent bool) error {
	u.urgent = urgent
	return nil
}

// TestOwnEventsOfBeforeAreNotUrgent: the first urgent event says to the disk that this node is sure of its own events. One that
// it gets from a peer while it observes does not.
func TestOwnEventsOfBeforeAreNotUrgent(t *testing.T) {
	for members, urgent := range map[int]bool{4: false, 1: true} {
		disk := &urgency{}
		n := newTestNode(t, members, func(cfg *Config) { cfg.Disk = disk })
		l := newLoop(n, &said{})
		l.driver.Tick(1) // one alone starts at once
		l.act()
		if err := l.write([]*event.Event{sealed(t, n, 1)}); err != nil || disk.urgent != urgent {
			t.Errorf("of %d members: urgent %t, %v", members, disk.urgent, err)
		}
	}
}
