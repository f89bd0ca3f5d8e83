package sim

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// disk is what one node writes down: a log of what it takes in, a snapshot from which that log goes on, and the
// state. A process that dies loses nothing of it. A machine that loses power loses records that were not synced, from
// some point on; the record there is torn, and whoever reads the log stops before it. Snapshot and state are
// replaced as a whole, after the log was synced.
type disk struct {
	log      []*event.Event
	synced   int              // so many records are safe from a loss of power
	snapshot *driver.Snapshot // nil: the log goes back to the beginning
	state    state            // at the snapshot's round or later
	full     bool             // nothing can be written
}

func newDisk(members int) disk { return disk{state: newState(members)} }

func (d *disk) append(e *event.Event) { d.log = append(d.log, e) }

func (d *disk) sync() { d.synced = len(d.log) }

// saveState writes how far the node has applied.
func (d *disk) saveState(s *state) {
	d.sync()
	d.state = s.clone()
}

// cut drops the log, for which the snapshot stands.
func (d *disk) cut() { d.log, d.synced = nil, 0 }

// tear loses what was not synced but for the first keep records of it.
func (d *disk) tear(keep int) {
	d.log = slices.Clip(d.log[:d.synced+keep])
	d.sync()
}

// copied returns a copy, as a backup makes it.
func (d *disk) copied() disk {
	c := *d
	c.log, c.state, c.full = slices.Clone(d.log), d.state.clone(), false
	c.sync()
	return c
}

// events returns all that is on the disk, in the order in which a node reads it.
func (d *disk) events() []*event.Event {
	if d.snapshot == nil {
		return d.log
	}
	return slices.Concat(d.snapshot.Last, d.snapshot.Events, d.log)
}

// lastBy returns the member's highest event, nil if there is none.
func (d *disk) lastBy(member int) *event.Event {
	var last *event.Event
	for _, e := range d.events() {
		if e.Creator == member && (last == nil || e.Seq > last.Seq) {
			last = e
		}
	}
	return last
}
