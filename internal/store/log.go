package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// segmentBytes is from how many bytes on a segment ends by itself.
	segmentBytes = 64 << 20
	// keptBuffer is up to how many bytes the buffer of a batch is kept for the next.
	keptBuffer = 10 << 20
	// defaultFlush is how often what was written is synced, unless it is at once.
	defaultFlush = 100 * time.Millisecond
)

// LogConfig is what a log needs. FS and Dir must be set.
type LogConfig struct {
	FS            FS
	Dir           string        // of the segments; created if it is missing
	Sync          bool          // fsync before Append returns
	KeepBytes     int64         // how much of what no restart needs is kept for peers that lag
	FlushInterval time.Duration // how often run syncs; 0: 100 ms
	Replicated    bool          // others have what is stored, too: OpenLog cuts a log that is damaged in its middle
	SegmentBytes  int64         // from how many bytes on a segment ends by itself; 0: 64 MiB
}

// segment is one file of the log.
type segment struct {
	number uint64
	file   File  // nil once nobody writes to it and all of it is synced; set to nil under Log.syncing and mu
	size   int64 // of what counts; written by the appender under Log.mu
	synced int64 // of that, what is on the disk; guarded by Log.mu
	named  bool  // its name is on the disk; guarded by Log.mu
	sealed bool  // nobody writes to it any more; guarded by Log.mu
	failed bool  // a sync failed, and what it was to sync cannot be trusted; guarded by Log.mu
}

// Log is an append-only log of opaque records in numbered segments, and of the bases that they go on from. A Store has
// one; the simulator has some without a Store. docs/durability.md describes the files.
//
// # Concurrency
//
// One goroutine, the appender, calls Append and Rotate. SyncThrough, WriteBase, ReadBase and Trim are called by one
// other, the checkpointer; run is a third. Replay and Old are for the start, before any of these. Stats and the methods
// of a Tail may be called from anywhere.
type Log struct {
	cfg LogConfig

	// The appender's own.
	buf    []byte
	active *segment // where the next batch goes; nil: to a new segment
	next   uint64   // number of the next segment
	prior  int64    // bytes that count of the segment before active, or before the next one if that is nil
	based  uint64   // number of the segment that the checkpoint named when the log was opened; 0: there was none
	spoilt bool     // what a failed write left behind active.size could not be cut

	written chan struct{} // capacity 1: there is something to sync
	syncing sync.Mutex    // held while files are synced, closed or removed, by all but the appender

	mu        sync.Mutex
	segments  []*segment         // ascending; guarded by mu
	stats     LogStats           // guarded by mu; what can be told from segments is filled in by Stats
	tails     map[*Tail]struct{} // which keep segments; guarded by mu
	tailBytes int64              // up to which a tail keeps them; guarded by mu
	trimmed   uint64             // the segment of the last Trim; guarded by mu
}

// Record is what a log holds. It never changes.
type Record interface {
	Append(dst []byte) []byte // appends its bytes
	Size() int                // how many these are, about
}

// Bytes are a record as they are.
type Bytes []byte

// Append implements Record.
func (b Bytes) Append(dst []byte) []byte { return append(dst, b...) }

// Size implements Record.
func (b Bytes) Size() int { return len(b) }

// Records makes records of bytes.
func Records(list ...[]byte) []Record {
	records := make([]Record, len(list))
	for i, b := range list {
		records[i] = Bytes(b)
	}
	return records
}

// Append writes a batch of records, none of them empty or over 18 MiB, in one go. After an error nothing of the batch
// counts, and Append may be called again, with the same batch or another: it works once the disk does. In sync mode
// the batch is on the disk when Append returns nil. The records are not kept.
func (l *Log) Append(records []Record) error {
	if len(records) == 0 {
		return nil
	}
	err := l.append(records)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.stats.Errors++
		if l.stats.FailingSince.IsZero() {
			l.stats.FailingSince = time.Now()
		}
		return fmt.Errorf("append to the log: %w", err)
	}
	l.stats.FailingSince = time.Time{}
	return nil
}

func (l *Log) append(records []Record) error {
	if err := l.ready(); err != nil {
		return err
	}
	if err := l.gather(records); err != nil {
		return err
	}
	s := l.active
	if _, err := s.file.WriteAt(l.buf, s.size); err != nil {
		l.clean()
		return err
	}
	end := s.size + int64(len(l.buf))
	if l.cfg.Sync {
		if err := l.syncActive(end); err != nil {
			return err
		}
	}
	l.mu.Lock()
	s.size = end
	l.mu.Unlock()
	if cap(l.buf) > keptBuffer {
		l.buf = nil
	}
	select {
	case l.written <- struct{}{}:
	default:
	}
	return nil
}

// ready sees to it that there is a segment to write to and nothing behind what counts of it.
func (l *Log) ready() error {
	if l.spoilt && !l.clean() {
		l.seal()
	}
	if l.active != nil && l.active.size >= l.cfg.SegmentBytes {
		l.seal()
	}
	if l.active == nil {
		return l.begin()
	}
	return nil
}

// clean cuts what a failed batch left behind what counts, and tells whether it could.
func (l *Log) clean() bool {
	l.spoilt = l.active.file.Truncate(l.active.size) != nil
	return !l.spoilt
}

// begin creates the next segment. Its header is written with the first batch.
func (l *Log) begin() error {
	f, err := l.cfg.FS.Open(l.cfg.path(l.next), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	l.active = &segment{number: l.next, file: f}
	l.next++
	l.mu.Lock()
	l.segments = append(l.segments, l.active)
	l.mu.Unlock()
	return nil
}

// seal ends the active segment. The header of the next one says how much of it counts. One of which nothing counts is
// begun again instead.
func (l *Log) seal() {
	s := l.active
	l.active, l.spoilt = nil, false
	if s.size > 0 {
		l.prior = s.size
		l.mu.Lock()
		s.sealed = true
		l.mu.Unlock()
		return
	}
	l.next = s.number
	l.mu.Lock()
	l.segments = l.segments[:len(l.segments)-1]
	l.mu.Unlock()
	_ = s.file.Close() // nothing in it counts
}

// gather puts the batch into buf, behind a header if it is the first of its segment.
func (l *Log) gather(records []Record) error {
	s := l.active
	size := headerSize
	for _, r := range records {
		size += frameSize + r.Size()
	}
	l.buf = slices.Grow(l.buf[:0], size)
	if s.size == 0 {
		l.buf = appendHeader(l.buf, s.number, l.prior)
	}
	for _, r := range records {
		start := len(l.buf)
		l.buf = appendRecord(l.buf, s.number, s.size+int64(start), r)
		if n := len(l.buf) - start - frameSize; n == 0 || n > maxRecord {
			return fmt.Errorf("a record of %d bytes", n)
		}
	}
	return nil
}

// Rotate ends the segment and returns the number of the one to which the following Append goes, and before which
// there is all that was appended so far. That is never the one of the last checkpoint, which goes on from its own base
// until the next is committed.
func (l *Log) Rotate() (segment uint64, err error) {
	if l.based > 0 && l.empty() == l.based {
		if err := l.append(nil); err != nil { // the header alone, so that no number is left out
			return 0, fmt.Errorf("begin a segment of the log: %w", err)
		}
	}
	if l.active != nil && l.active.size == 0 {
		return l.active.number, nil
	}
	if l.active != nil {
		l.seal()
	}
	return l.next, nil
}

// empty returns the number of the segment to which the following Append goes if there is nothing in it, or else 0.
func (l *Log) empty() uint64 {
	switch {
	case l.active == nil:
		return l.next
	case l.active.size == 0:
		return l.active.number
	}
	return 0
}

// Close syncs what was written and closes the files. No other method is called any more.
func (l *Log) Close() error {
	if l.active != nil {
		l.seal()
	}
	err := l.flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		if s.file != nil {
			err = errors.Join(err, s.file.Close())
			s.file = nil
		}
	}
	return err
}
