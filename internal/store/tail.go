package store

import (
	"errors"
	"io/fs"
)

// ErrLetGo says that the log behind a checkpoint is no longer kept.
var ErrLetGo = errors.New("the log behind this checkpoint is no longer kept")

// Tail is the log behind a checkpoint that need not be the last one any more: its base, and all segments from there to
// the newest. They stay until Close, unless they become too long (Config.TailBytes) or too many.
//
// Concurrency: safe for use by many goroutines.
type Tail struct {
	log     *Log
	segment uint64
}

// Tail keeps the log behind the checkpoint. The caller closes it, before the Store. The error is ErrLetGo if later
// checkpoints have removed some of it since the View was made.
func (v *View) Tail() (*Tail, error) { return v.log.keep(v.segment) }

func (l *Log) keep(segment uint64) (*Tail, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if segment < l.trimmed {
		return nil, ErrLetGo
	}
	t := &Tail{log: l, segment: segment}
	l.tails[t] = struct{}{}
	return t, nil
}

// Close lets go of the log. What no checkpoint needs goes with the next.
func (t *Tail) Close() {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	delete(t.log.tails, t)
}

// Base returns the base of the checkpoint.
func (t *Tail) Base() ([]byte, error) {
	base, err := t.log.ReadBase(t.segment)
	return base, t.reason(err)
}

// Records calls f with every record behind the checkpoint, oldest first, and with those that are appended meanwhile,
// until it has come to the end of the log. A record is valid until f returns, an error of which ends it and is
// returned. It may run beside Append. The error is ErrLetGo if the log is let go of meanwhile.
func (t *Tail) Records(f func(record []byte) error) error {
	number, at := t.segment, int64(headerSize)
	for {
		end, more, err := t.extent(number)
		switch {
		case err != nil:
			return err
		case at < end:
			if at, err = t.log.walk(number, at, end, f); err != nil {
				return t.reason(err)
			}
		case more:
			number, at = number+1, headerSize
		default:
			return nil
		}
	}
}

// extent returns how many bytes of a segment count by now, and whether it is followed by another.
func (t *Tail) extent(number uint64) (end int64, more bool, err error) {
	l := t.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, kept := l.tails[t]; !kept {
		return 0, false, ErrLetGo
	}
	for _, s := range l.segments {
		switch s.number {
		case number:
			end = s.size
		case number + 1:
			more = s.size > 0
		}
	}
	return end, more, nil
}

// reason returns why a file cannot be read: it may have been removed.
func (t *Tail) reason(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrLetGo
	}
	return err
}

// limitTails sets how many bytes the longest Tail may have.
func (l *Log) limitTails(bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tailBytes = bytes
}

// letGo lets go of the tails that have become too long, or have too many segments. The caller holds mu.
func (l *Log) letGo() {
	for t := range l.tails {
		if bytes, segments := l.since(t.segment); bytes > l.tailBytes || segments > maxKept {
			delete(l.tails, t)
		}
	}
}

// oldestTail returns the segment from which on a tail is kept, or before if there is none that begins earlier. The caller
// holds mu.
func (l *Log) oldestTail(before uint64) uint64 {
	for t := range l.tails {
		before = min(before, t.segment)
	}
	return before
}

// isKept reports whether the base of a segment is that of a tail.
func (l *Log) isKept(segment uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t := range l.tails {
		if t.segment == segment {
			return true
		}
	}
	return false
}

// since returns how much log there is from a segment on. The caller holds mu.
func (l *Log) since(segment uint64) (bytes int64, segments int) {
	for _, s := range l.segments {
		if s.number >= segment {
			bytes += s.size
			segments++
		}
	}
	return bytes, segments
}
