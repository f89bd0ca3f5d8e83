package store

import (
	"errors"
	"fmt"
	"path/filepath"
)

// maxKept bounds how many segments are kept for peers that lag: where little happens each of them is small.
const maxKept = 1024

// Trim says that a checkpoint names that segment. Of those before it the newest are kept, up to KeepBytes, and those
// of a Tail; the others and their bases go. It may run beside Append.
func (l *Log) Trim(segment uint64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	var err error
	for _, s := range l.dispensable(segment) {
		if err = l.drop(s); err != nil {
			break // the newer ones stay, so that what is kept has no gaps
		}
	}
	if err = errors.Join(err, l.dropBases(segment)); err != nil {
		return fmt.Errorf("trim the log: %w", err)
	}
	return nil
}

// dispensable returns the segments before that one that are not kept, oldest first. Of none before it matters any more
// whether it could be synced.
func (l *Log) dispensable(before uint64) []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trimmed = before
	l.letGo()
	spared := l.oldestTail(before)
	bytes, kept, first := int64(0), 0, 0
	for i := len(l.segments) - 1; i >= 0; i-- {
		s := l.segments[i]
		if s.number >= before {
			continue
		}
		s.failed = false // the checkpoint has what it held
		bytes += s.size
		kept++
		if s.number < spared && (bytes > l.cfg.KeepBytes || kept > maxKept) {
			first = i + 1
			break
		}
	}
	return append([]*segment(nil), l.segments[:first]...)
}

// drop removes the oldest segment.
func (l *Log) drop(s *segment) error {
	if s.file != nil {
		if err := s.file.Close(); err != nil {
			return err
		}
	}
	err := removeIfThere(l.cfg.FS, l.cfg.path(s.number))
	l.mu.Lock()
	defer l.mu.Unlock()
	s.file, s.synced = nil, s.size
	if err == nil {
		l.segments = l.segments[1:]
	}
	return err
}

func (l *Log) dropBases(before uint64) error {
	names, err := l.cfg.FS.List(l.cfg.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if n, ok := numbered(name, baseSuffix); ok && n < before && !l.isKept(n) {
			err = errors.Join(err, removeIfThere(l.cfg.FS, filepath.Join(l.cfg.Dir, name)))
		}
	}
	return err
}
