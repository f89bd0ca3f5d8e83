package node

import (
	"fmt"
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
)

// persist writes what Ready lists to the log, in a new segment if a checkpoint is due.
func (l *loop) persist(r *driver.Ready) error {
	if why := l.node.unkept.Load(); why != nil && l.logged >= unkeptBytes {
		return fmt.Errorf("the log has become too long: %w", *why)
	}
	if l.segment == 0 {
		var err error
		if l.segment, err = l.rotate(r); err != nil {
			return err
		}
	}
	if err := l.write(r.Persist); err != nil {
		return err
	}
	for _, e := range r.Persist {
		l.node.note(e)
		if e.Creator == l.node.cfg.Self {
			l.newest = max(l.newest, e.Seq)
		}
	}
	return nil
}

// write appends the events to the log. Own events are urgent, for nobody else has them, and with them all that came
// before, what they refer to among it. What was learned since then can be lost: it is as if it had not come yet. It may
// have decided rounds, which the peers' events decide again, and alike; and what these rounds contain had to reach a
// supermajority's own events first.
func (l *loop) write(events []*event.Event) error {
	if l.node.cfg.Disk == nil || len(events) == 0 {
		return nil
	}
	l.records = l.records[:0]
	urgent, size := false, 0
	for _, e := range events {
		urgent = urgent || e.Creator == l.node.cfg.Self && l.driver.Started() // or a peer has handed it out
		l.records = append(l.records, e)
		size += e.Size()
	}
	begun := l.node.cfg.Now()
	if err := l.node.cfg.Disk.Append(l.records, urgent); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	clear(l.records)
	if l.node.cfg.Now()-begun > slowWrite {
		l.starve()
	}
	l.logged += size
	return nil
}

// slowWrite is how long a write takes, in ns, that waits for the disk: then more at a time gets through.
const slowWrite = int64(5 * time.Millisecond)
