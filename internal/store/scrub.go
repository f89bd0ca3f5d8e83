package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.uber.org/zap"
)

// maxCorrupt bounds the keys in a ScrubReport.
const maxCorrupt = 1000

// ScrubReport is what reading everything once has shown.
type ScrubReport struct {
	Started time.Time
	Took    time.Duration
	Records uint64 // of the state that were read
	Bytes   int64  // of the state and of the log that were read
	// Corrupt are the keys of records whose checksum is wrong, at most 1,000 of them. A Commit that has them as they
	// should be, or deletes those that should not be there, mends the state, and so does a full one.
	Corrupt [][]byte
	// Err is other damage, nil if there is none: a *CorruptError of the state file's structure, of a record whose key is
	// not known, which only a full Commit may mend, or of a segment of the log.
	Err error
}

// Scrub reads all records and all segments of the log that are not written any more, at a rate in bytes per second,
// and verifies their checksums; at a rate of 0 as fast as it can. It returns early with the context's error. What the
// operating system has in memory it may take from there.
func (s *Store) Scrub(ctx context.Context, rate int64) (ScrubReport, error) {
	r := &scrub{ctx: ctx, rate: rate, report: ScrubReport{Started: time.Now()}}
	err := errors.Join(r.state(s.state), r.log(s.log, s.segment.Load()))
	r.report.Took = time.Since(r.report.Started)
	if r.report.state(s.state.path) != nil {
		s.damaged.Store(true)
	}
	if err == nil {
		s.mu.Lock()
		s.stats.Scrub = r.report
		s.stats.Scrubs++
		s.mu.Unlock()
	}
	return r.report, err
}

// Damaged reports whether a scrub has found the state damaged and no full checkpoint was committed since.
func (s *Store) Damaged() bool { return s.damaged.Load() }

// scrub is one under way.
type scrub struct {
	ctx    context.Context
	rate   int64
	report ScrubReport
}

// state reads the state chunk by chunk, each in a transaction of its own, so that commits can use pages again.
func (r *scrub) state(s *state) error {
	var last []byte
	for {
		read, err := r.chunk(s, &last)
		if err != nil || read == 0 {
			return err
		}
		if err := r.pause(read); err != nil {
			return err
		}
	}
}

// chunk reads the chunk behind a stored key, which it moves, and returns its size; damage goes into the report.
func (r *scrub) chunk(s *state, last *[]byte) (read int, err error) {
	tx, _, err := s.begin()
	if err != nil {
		return 0, r.damage(err)
	}
	defer func() { _ = tx.Rollback() }()
	c, err := s.reader(tx, *last)
	if err == nil {
		err = c.next()
	}
	if err != nil {
		return 0, r.damage(err)
	}
	for _, rec := range c.records {
		r.record(s, rec)
	}
	*last = bytes.Clone(c.last)
	return len(c.buf), nil
}

// log reads the base of the last checkpoint and the segments that are not written any more.
func (r *scrub) log(l *Log, checkpoint uint64) error {
	if checkpoint > 0 {
		base, err := l.ReadBase(checkpoint)
		if err := r.read(len(base), err); err != nil {
			return err
		}
	}
	for _, s := range l.ended() {
		read := 0
		err := l.readSegment(&s, func(record []byte) (err error) {
			if read += len(record); read >= chunkBytes {
				err, read = r.pause(read), 0
			}
			return err
		})
		if err := r.read(read, err); err != nil {
			return err
		}
	}
	return nil
}

// read deals with the end of a file of the log, which may have gone meanwhile.
func (r *scrub) read(rest int, err error) error {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if err := r.damage(err); err != nil {
			return err
		}
	}
	return r.pause(rest)
}

// ended returns copies of the segments that are not written any more.
func (l *Log) ended() (all []segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		if s.sealed {
			all = append(all, *s)
		}
	}
	return all
}

func (r *scrub) record(s *state, rec record) {
	r.report.Records++
	switch {
	case rec.ok:
	case rec.key == nil:
		r.report.Err = errors.Join(r.report.Err, s.corruptRecord(rec))
	case len(r.report.Corrupt) < maxCorrupt:
		r.report.Corrupt = append(r.report.Corrupt, bytes.Clone(rec.key))
	}
}

// damage puts what is not well into the report, and returns any other error.
func (r *scrub) damage(err error) error {
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) {
		return err
	}
	r.report.Err = errors.Join(r.report.Err, err)
	return nil
}

// pause waits as long as it should have taken to read so many bytes.
func (r *scrub) pause(read int) error {
	r.report.Bytes += int64(read)
	if r.rate <= 0 {
		return r.ctx.Err()
	}
	select {
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-time.After(time.Duration(float64(read) / float64(r.rate) * float64(time.Second))):
		return nil
	}
}

// scrubNowAndThen scrubs until the context ends, which is no error, or the state turns out to be damaged and that is to
// end it. A damaged log is only said: the next checkpoint does without.
func (s *Store) scrubNowAndThen(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.cfg.ScrubInterval):
		}
		report, err := s.Scrub(ctx, s.cfg.ScrubRate)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil && report.Err == nil && len(report.Corrupt) == 0 {
			continue
		}
		s.cfg.Logger.Error("the scrub found what is not well", zap.Error(errors.Join(err, report.Err)),
			zap.Int("corrupt_records", len(report.Corrupt)))
		if damage := report.state(s.state.path); damage != nil && s.cfg.StopOnDamage {
			return fmt.Errorf("scrub: %w", damage)
		}
	}
}

// state returns the damage of the state file, nil if there is none.
func (r *ScrubReport) state(path string) *CorruptError {
	if len(r.Corrupt) > 0 {
		return &CorruptError{Path: path, What: fmt.Sprintf("%d records are damaged, with key %q the first", len(r.Corrupt), brief(r.Corrupt[0]))}
	}
	if damage := (*CorruptError)(nil); errors.As(r.Err, &damage) && damage.Path == path {
		return damage // the state is read first
	}
	return nil
}
