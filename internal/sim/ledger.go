package sim

import (
	"fmt"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// ledger says what a log must hold when it is opened: what was appended since the beginning, without a gap, up to
// some record behind the last one that nothing can have taken.
type ledger struct {
	written  []event.ID // must be there, but for those that were let go at the front
	begun    []event.ID // may be there behind them: all, the first of them, or none
	safe     int        // so many of written survive a loss of power
	kept     uint64     // the segments from that one on are still there; 0: it is not known
	doubtful bool       // a sync has failed, so later ones prove nothing
}

// begin notes that events are about to be appended, done that they are.
func (l *ledger) begin(events []*event.Event) {
	l.begun = l.begun[:0]
	for _, e := range events {
		l.begun = append(l.begun, e.ID())
	}
}

func (l *ledger) done(synced bool) {
	l.written = append(l.written, l.begun...)
	l.begun = l.begun[:0]
	if synced {
		l.safe = len(l.written)
	}
}

// flushed notes that all that was written was synced, or could not be.
func (l *ledger) flushed(err error) {
	l.doubtful = l.doubtful || err != nil
	if !l.doubtful {
		l.safe = len(l.written)
	}
}

// unplugged notes that power was lost.
func (l *ledger) unplugged() { l.unsure(l.safe) }

// rotten notes that any byte may have changed.
func (l *ledger) rotten(from int) {
	l.unsure(from)
	l.kept = 0
}

// unsure makes what was written something that may be there, from there on.
func (l *ledger) unsure(from int) {
	l.begun = slices.Concat(l.written[from:], l.begun)
	l.written = l.written[:from]
}

// reopened checks what was found in a log, of which the checkpoint's part begins there, and goes on from that.
func (l *ledger) reopened(f *found, from int, oldest uint64) error {
	wanted := slices.Concat(l.written[from:], l.begun)
	older := l.written[:from]
	switch {
	case len(f.tail) < len(l.written)-from:
		return fmt.Errorf("%d events were written since the checkpoint, %d are there", len(l.written)-from, len(f.tail))
	case len(f.tail) > len(wanted) || !slices.EqualFunc(f.tail, wanted[:len(f.tail)], isEvent):
		return fmt.Errorf("%d events since the checkpoint are not the first of the %d written", len(f.tail), len(wanted))
	case len(f.older) > len(older) || !slices.EqualFunc(f.older, older[len(older)-len(f.older):], isEvent):
		return fmt.Errorf("%d events before the checkpoint are not the last ones of the %d written", len(f.older), len(older))
	case l.kept > 0 && oldest > l.kept:
		return fmt.Errorf("segment %d is the oldest, %d was kept", oldest, l.kept)
	}
	l.written = append(l.written[:from:from], wanted[:len(f.tail)]...)
	l.begun, l.safe, l.doubtful = nil, len(l.written), false
	return nil
}

func isEvent(e *event.Event, id event.ID) bool { return e.ID() == id }
