package driver

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// Snapshot is all that a driver needs to go on from where another one stood, its own predecessor or a peer's.
type Snapshot struct {
	consensus.Snapshot
	// Thresholds are those below which events were ancient after the latest decided rounds, the oldest first.
	Thresholds []uint64
	// Gaps says of each of Events up to which birth round a parent of it or of an ancestor was never held, 0 if all
	// were. Those that a snapshot is without because they are ancient were.
	Gaps []uint64
	// Last holds the last event of each creator that has none which is not ancient. Its creator asks for it if it
	// lost its memory. A node that goes on from a peer's snapshot adds its own last event, ancient or not, or it would
	// go on from an earlier one if nobody else has it; until that event is held, it stays among these.
	Last []*event.Event
}

// Snapshot returns the driver's state. It shares the events with the driver, nothing else.
func (d *Driver) Snapshot() Snapshot { return d.complete(d.engine.Snapshot(), d.engine.Ancient()) }

// complete adds to a snapshot of the engine what the driver knows of its events. It was taken when those born before
// the round ancient were, and the window has not let any of the others go.
func (d *Driver) complete(of consensus.Snapshot, ancient uint64) Snapshot {
	s := Snapshot{Snapshot: of, Thresholds: append([]uint64(nil), d.thresholds[:]...)}
	s.Gaps = make([]uint64, len(s.Events))
	for i, e := range s.Events {
		s.Gaps[i] = d.window.byID[e.ID()].gap
	}
	for creator, tips := range d.window.tips {
		last := len(tips) - 1
		switch own := d.boot.last; {
		case creator == d.self && own != nil && d.window.byID[own.ID()] == nil:
			s.Last = append(s.Last, own)
		case last >= 0 && tips[last].event.BirthRound < ancient:
			s.Last = append(s.Last, tips[last].event)
		}
	}
	return s
}

// Restore returns a driver that goes on from a snapshot and observes, as that of New does. It fails if the snapshot
// contradicts itself.
func Restore(cfg Config, s Snapshot, now int64) (*Driver, error) {
	cfg.Engine.Members = cfg.Members
	engine, err := consensus.Restore(cfg.Engine, s.Snapshot)
	if err != nil {
		return nil, fmt.Errorf("restore driver: %w", err)
	}
	d := newDriver(cfg, engine)
	d.enter(now)
	d.window.ancient = engine.Ancient()
	for i := range d.thresholds {
		d.thresholds[i] = engine.Ancient()
	}
	copy(d.thresholds[:], s.Thresholds)
	for i, e := range s.Events {
		if engine.Get(e.ID()) == nil || d.window.byID[e.ID()] != nil {
			continue
		}
		v := d.hold(e)
		if i < len(s.Gaps) {
			v.gap = s.Gaps[i]
		}
		if engine.Ordered(e.ID()) {
			d.window.settle(v)
		}
	}
	d.takeOver(engine.Resume())
	for _, e := range s.Last {
		d.recall(e)
	}
	return d, nil
}

// recall takes in a creator's last event. Where it is not ancient, it is this node's own and none of those that the
// snapshot rests on: its parents are looked for as those of any other, and until they are found or it is ancient the
// chain cannot go on.
func (d *Driver) recall(e *event.Event) {
	switch {
	case e.Creator >= len(d.peers) || d.window.byID[e.ID()] != nil:
	case e.BirthRound < d.window.ancient:
		d.window.remember(e)
	case e.Creator == d.self:
		d.boot.last = e
		d.receiveEvent(d.self, e)
	}
}

// Replay takes in what Persist listed since the snapshot was taken, or since New, in that order. It comes before any
// other method, in pieces of any size, with Ready and Advance between them: Ready has the rounds that the events
// decide, and neither lists the events again nor anything to send.
//
// The log may begin earlier than the snapshot, and what was last in it may have been lost. It must be a log of this
// node's, and the snapshot must have been taken by it, too: nothing says that the parents of an event are there but
// that the event was written after them. Whoever goes on from a peer's snapshot begins a new log.
func (d *Driver) Replay(events []*event.Event, now int64) {
	d.enter(now)
	for _, e := range events {
		id := e.ID()
		if e.Creator >= len(d.peers) || e.BirthRound < d.window.ancient || d.window.byID[id] != nil {
			continue
		}
		d.ahead[e.Creator] = max(d.ahead[e.Creator], e.BirthRound)
		d.hold(e)
		d.consider(e)
	}
}

// hold puts an event that was written into the window.
func (d *Driver) hold(e *event.Event) *vertex {
	v := d.admit(e)
	d.window.mark(v, e.Creator)
	d.echo(e.Creator, v.own)
	return v
}
