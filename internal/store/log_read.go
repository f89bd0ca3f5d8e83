package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// Replay calls f with every record of the segments from that one on, oldest first, and stops at the first error of f,
// which it returns. f may keep the record.
func (l *Log) Replay(from uint64, f func(record []byte) error) error {
	return l.read(func(s *segment) bool { return s.number >= from }, f)
}

// Old does the same with the kept segments before that one.
func (l *Log) Old(before uint64, f func(record []byte) error) error {
	return l.read(func(s *segment) bool { return s.number < before }, f)
}

func (l *Log) read(wanted func(*segment) bool, f func(record []byte) error) error {
	for _, s := range l.segments {
		if s.size == 0 || !wanted(s) {
			continue
		}
		if err := l.readSegment(s, f); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) readSegment(s *segment, f func(record []byte) error) error {
	file, err := l.cfg.FS.Open(l.cfg.path(s.number), os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	defer file.Close()
	r := &segmentReader{file: file, number: s.number, at: headerSize, end: s.size}
	for {
		record, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errBad):
			return &CorruptError{Path: l.cfg.path(s.number), Segment: s.number, Offset: r.at, What: err.Error()}
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
		if err := f(bytes.Clone(record)); err != nil {
			return err
		}
	}
}
