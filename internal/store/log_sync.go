package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// LogStats tells how the log is doing.
type LogStats struct {
	Bytes        int64         // of all segments that are kept
	Segments     int           // that are kept
	Tail         int64         // bytes of these that some Tail keeps
	Segment      uint64        // number of the newest, 0 if there is none
	Unsynced     int64         // bytes that a loss of power may take
	LastSync     time.Duration // how long the last sync of a segment took
	Errors       uint64        // appends and syncs that failed since the log was opened
	FailingSince time.Time     // since when no Append has worked, zero if the last one did
	Unsafe       bool          // a sync failed: what it was to sync is not on the disk for sure, until Trim drops it
}

// Stats returns how the log is doing.
func (l *Log) Stats() LogStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := l.stats
	if first := l.oldestTail(math.MaxUint64); first < math.MaxUint64 {
		st.Tail, _ = l.since(first)
	}
	for _, s := range l.segments {
		st.Bytes += s.size
		st.Unsynced += s.size - s.synced
		st.Unsafe = st.Unsafe || s.failed
		if s.size > 0 {
			st.Segments++
			st.Segment = s.number
		}
	}
	return st
}

// syncActive puts the active segment on the disk, up to end, which is to count when that worked. When it did not, the
// segment is written no more: the kernel may have dropped what it could not write, and a later sync would not tell.
func (l *Log) syncActive(end int64) error {
	s := l.active
	start := time.Now()
	err := s.file.Sync()
	took := time.Since(start)
	if err == nil && !s.named {
		err = l.cfg.FS.SyncDir(l.cfg.Dir)
	}
	if err != nil {
		l.seal()
		return fmt.Errorf("sync: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.synced, s.named = end, true
	l.stats.LastSync = took
	return nil
}

// run syncs what was written every FlushInterval, until ctx ends. What fails is tried again, and told by Stats.
func (l *Log) run(ctx context.Context) error {
	wait := time.NewTimer(l.cfg.FlushInterval)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = l.flush() // Stats tells
			return nil
		case <-l.written:
		}
		wait.Reset(l.cfg.FlushInterval)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		if l.flush() != nil {
			select {
			case l.written <- struct{}{}:
			default:
			}
		}
	}
}

// flush syncs what was written.
func (l *Log) flush() error { return l.SyncThrough(math.MaxUint64) }

// SyncThrough syncs all segments before that one. It may run beside Append.
func (l *Log) SyncThrough(segment uint64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	open, unnamed := l.wanting(segment)
	var err error
	for _, w := range open {
		err = errors.Join(err, l.sync(w))
	}
	if len(unnamed) > 0 {
		err = errors.Join(err, l.syncNames(unnamed))
	}
	if err != nil {
		return fmt.Errorf("sync the log: %w", err)
	}
	return nil
}

// wanted is a segment to be synced, with what it was like when that began.
type wanted struct {
	live *segment
	segment
}

// wanting returns the segments before that one that are not on the disk as they are now, or open for nothing, and
// those whose names are not on the disk.
func (l *Log) wanting(before uint64) (open []wanted, unnamed []*segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		if s.number >= before || s.size == 0 {
			continue
		}
		if s.file != nil && (s.synced < s.size || s.sealed) {
			open = append(open, wanted{s, *s})
		}
		if !s.named {
			unnamed = append(unnamed, s)
		}
	}
	return open, unnamed
}

// sync puts a segment on the disk, without mu, and closes it if nothing more will come.
func (l *Log) sync(w wanted) error {
	start := time.Now()
	if w.synced < w.size {
		if err := w.file.Sync(); err != nil {
			l.distrust(w.live)
			return fmt.Errorf("%s: %w", segmentName(w.number), err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.synced < w.size {
		w.live.synced = max(w.live.synced, w.size)
		l.stats.LastSync = time.Since(start)
	}
	if w.sealed {
		w.live.file = nil
		return w.file.Close()
	}
	return nil
}

// syncNames puts the names of these segments on the disk.
func (l *Log) syncNames(unnamed []*segment) error {
	if err := l.cfg.FS.SyncDir(l.cfg.Dir); err != nil {
		l.distrust(unnamed...)
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range unnamed {
		s.named = true
	}
	return nil
}

// distrust notes that these segments could not be synced. A later sync that works does not make that good.
func (l *Log) distrust(segments ...*segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Errors++
	for _, s := range segments {
		s.failed = true
	}
}
