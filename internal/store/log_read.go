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
	_, err := l.walk(s.number, headerSize, s.size, func(record []byte) error { return f(bytes.Clone(record)) })
	return err
}

// walk calls f with the records that stand in a segment from the offset at on, up to end, and returns where it has come
// to. A record is valid until f returns.
func (l *Log) walk(number uint64, at, end int64, f func(record []byte) error) (int64, error) {
	file, err := l.cfg.FS.Open(l.cfg.path(number), os.O_RDONLY)
	if err != nil {
		return at, fmt.Errorf("read the log: %w", err)
	}
	defer file.Close()
	r := &segmentReader{file: file, number: number, at: at, end: end}
	for {
		record, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return r.at, nil
		case errors.Is(err, errBad):
			return r.at, &CorruptError{Path: l.cfg.path(number), Segment: number, Offset: r.at, What: err.Error()}
		case err != nil:
			return r.at, fmt.Errorf("read the log: %w", err)
		}
		if err := f(record); err != nil {
			return r.at, err
		}
	}
}
