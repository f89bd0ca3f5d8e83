package sim

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// disk is what one node writes down: a log of what it takes in, in segments, and a checkpoint. A process that dies
// loses nothing of it. A machine that loses power loses records that were not synced, from some point on; the record
// there is torn, and whoever reads the log stops before it. A checkpoint replaces the one before as a whole, after all
// that comes before it in the log was synced.
type disk struct {
	log      []segment
	unsynced int // so many records, the last ones, are not safe from a loss of power
	checkpoint
	full bool // nothing can be written
}

// segment is a part of the log.
type segment struct {
	number int
	events []*event.Event
}

// checkpoint is where a node starts from: the state after a round, the driver's snapshot of that round, and the number
// of the segment with which the log goes on from there.
type checkpoint struct {
	round   uint64 // 0: there is none, and the log goes back to the beginning
	base    *driver.Snapshot
	read    bool // base has been through its wire form
	state   state
	segment int
}

// olderEvents is how many events from before the checkpoint are kept for peers that lag, in whole segments.
const olderEvents = 200

func newDisk(members int) disk {
	return disk{log: make([]segment, 1), checkpoint: checkpoint{state: newState(members)}}
}

func (d *disk) append(e *event.Event) {
	s := &d.log[len(d.log)-1]
	s.events = append(s.events, e)
	d.unsynced++
}

func (d *disk) sync() { d.unsynced = 0 }

// rotate begins a new segment and returns its number.
func (d *disk) rotate() int {
	number := d.log[len(d.log)-1].number + 1
	d.log = append(d.log, segment{number: number})
	return number
}

// commit makes a checkpoint the one to start from.
func (d *disk) commit(c checkpoint) {
	d.checkpoint = c
	d.unsynced = min(d.unsynced, len(d.tail()))
}

// drop lets the segments go that are too old to be of use to anybody.
func (d *disk) drop() {
	kept := 0
	for i := len(d.log) - 1; i >= 0; i-- {
		if d.log[i].number >= d.segment {
			continue
		}
		if kept += len(d.log[i].events); kept > olderEvents {
			d.log = slices.Clone(d.log[i+1:])
			return
		}
	}
}

// tear loses what was not synced but for the first keep records of it.
func (d *disk) tear(keep int) {
	lose := d.unsynced - keep
	for i := len(d.log) - 1; lose > 0; i-- {
		s := &d.log[i]
		n := min(lose, len(s.events))
		s.events = slices.Clip(s.events[:len(s.events)-n])
		lose -= n
	}
	d.sync()
}

// copied returns a copy, as a backup makes it.
func (d *disk) copied() disk {
	c := *d
	c.log, c.state, c.full = slices.Clone(d.log), d.state.clone(), false
	for i := range c.log {
		c.log[i].events = slices.Clone(c.log[i].events)
	}
	c.sync()
	return c
}

// older returns the log from before the checkpoint, tail that from there on.
func (d *disk) older() []*event.Event {
	return d.events(func(s segment) bool { return s.number < d.segment })
}

func (d *disk) tail() []*event.Event {
	return d.events(func(s segment) bool { return s.number >= d.segment })
}

func (d *disk) events(of func(segment) bool) (list []*event.Event) {
	for _, s := range d.log {
		if of(s) {
			list = append(list, s.events...)
		}
	}
	return list
}

// snapshot returns the one of the checkpoint as it is read from the disk, an empty one if there is none. It panics if
// that cannot be decoded: nobody else has written it.
func (d *disk) snapshot() *driver.Snapshot {
	switch {
	case d.round == 0:
		return &driver.Snapshot{}
	case !d.read:
		s, err := driver.DecodeSnapshot(d.base.Append(nil), event.Domain{})
		if err != nil {
			panic(err)
		}
		d.base, d.read = s, true
	}
	return d.base
}

// all returns all events on the disk, parents first.
func (d *disk) all() []*event.Event {
	s := d.snapshot()
	return slices.Concat(s.Last, d.older(), s.Events, d.tail())
}

// lastBy returns the member's highest event, nil if there is none.
func (d *disk) lastBy(member int) *event.Event {
	var last *event.Event
	for _, e := range d.all() {
		if e.Creator == member && (last == nil || e.Seq > last.Seq) {
			last = e
		}
	}
	return last
}
