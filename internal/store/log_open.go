package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// asideDir is where corrupt segments are kept for a look, inside the directory of the log.
const asideDir = "corrupt"

// tail tells what had to go when a log was opened.
type tail struct {
	CutBytes int64    // behind the last whole record: what a crash left half-written
	Dropped  []uint64 // segments from before the checkpoint that were no longer whole
}

// openLog opens the log, or creates it, and checks all of it. From is the number of the segment that the checkpoint
// names, 0 or 1 if there is none; those before it are kept for peers that lag, and if they are not whole they go. A
// torn tail is cut. If records are missing before others that are there, the error is a *CorruptError, and setAside
// cuts the log there. All that openLog found is on the disk when it returns: what a restart has read, others will know.
func openLog(cfg LogConfig, from uint64) (*Log, tail, error) {
	cfg = cfg.withDefaults()
	from = max(from, 1)
	l, t, err := cfg.open(from)
	if err != nil {
		return nil, tail{}, fmt.Errorf("open the log: %w", err)
	}
	return l, t, nil
}

func (cfg LogConfig) withDefaults() LogConfig {
	if cfg.FlushInterval == 0 {
		cfg.FlushInterval = defaultFlush
	}
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = segmentBytes
	}
	return cfg
}

func (cfg LogConfig) open(from uint64) (*Log, tail, error) {
	var t tail
	if err := cfg.prepare(); err != nil {
		return nil, t, err
	}
	old, live, err := cfg.inspect(from)
	if err != nil {
		return nil, t, err
	}
	bad := settle(live)
	if bad < len(live) {
		if err := cfg.corrupt(live[bad:]); err != nil {
			return nil, t, err
		}
		t.CutBytes, err = cfg.cut(live[bad:])
		if err != nil {
			return nil, t, err
		}
		if live = live[:bad+1]; live[bad].whole == 0 {
			live = live[:bad]
		}
	}
	if old, t.Dropped, err = cfg.dropBroken(old, live, from); err != nil {
		return nil, t, err
	}
	for i := range live {
		if err := cfg.syncFile(live[i].number); err != nil {
			return nil, t, err
		}
	}
	if err := cfg.FS.SyncDir(cfg.Dir); err != nil {
		return nil, t, err
	}
	return newLog(cfg, slices.Concat(old, live), from), t, nil
}

// prepare makes the directory and clears away what a crash left of a file that was being written.
func (cfg LogConfig) prepare() error {
	if err := cfg.FS.MkdirAll(cfg.Dir); err != nil {
		return err
	}
	if err := cfg.FS.SyncDir(filepath.Dir(cfg.Dir)); err != nil {
		return err
	}
	names, err := cfg.FS.List(cfg.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			err = errors.Join(err, cfg.FS.Remove(filepath.Join(cfg.Dir, name)))
		}
	}
	return err
}

// inspect looks at all segments: those before from, and the others.
func (cfg LogConfig) inspect(from uint64) (old, live []inspected, err error) {
	all, err := inspectAll(cfg.FS, cfg.Dir)
	if err != nil {
		return nil, nil, err
	}
	for len(all) > 0 && all[0].number < from {
		old, all = append(old, all[0]), all[1:]
	}
	if len(all) > 0 && all[0].number > from {
		all = append([]inspected{missing(from)}, all...)
	}
	return old, all, nil
}

// corrupt returns a *CorruptError if whole records stand behind the end of what is whole.
func (cfg LogConfig) corrupt(bad []inspected) error {
	lost, err := lostBehind(cfg.FS, cfg.Dir, bad)
	if err != nil || !lost {
		return err
	}
	return &CorruptError{
		Path: cfg.path(bad[0].number), Segment: bad[0].number, Offset: bad[0].whole, What: bad[0].flaw,
	}
}

// cut removes what follows the whole part of the first of these segments, and returns how much it was. The first comes
// last, so that a crash meanwhile leaves something to be cut in the same place.
func (cfg LogConfig) cut(bad []inspected) (int64, error) {
	bytes := int64(0)
	for i := len(bad) - 1; i > 0; i-- {
		bytes += bad[i].size
		if err := removeIfThere(cfg.FS, cfg.path(bad[i].number)); err != nil {
			return 0, err
		}
	}
	first := &bad[0]
	bytes += first.size - first.whole
	if first.whole == 0 {
		return bytes, removeIfThere(cfg.FS, cfg.path(first.number))
	}
	f, err := cfg.FS.Open(cfg.path(first.number), os.O_RDWR)
	if err != nil {
		return 0, err
	}
	return bytes, errors.Join(f.Truncate(first.whole), f.Close())
}

// setAside cuts a log of which openLog returned a *CorruptError, so that it can be opened up to there. What follows is
// copied to the directory corrupt inside the log's, for a look.
func setAside(cfg LogConfig, from uint64) error {
	if err := cfg.setAside(max(from, 1)); err != nil {
		return fmt.Errorf("set corrupt segments aside: %w", err)
	}
	return nil
}

func (cfg LogConfig) setAside(from uint64) error {
	_, live, err := cfg.inspect(from)
	if err != nil {
		return err
	}
	bad := live[settle(live):]
	if len(bad) == 0 {
		return nil
	}
	aside := filepath.Join(cfg.Dir, asideDir)
	if err := cfg.FS.MkdirAll(aside); err != nil {
		return err
	}
	for i := range bad {
		to := filepath.Join(aside, segmentName(bad[i].number))
		if err := copyFile(cfg.FS, cfg.path(bad[i].number), to); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	_, err = cfg.cut(bad)
	return err
}

// dropBroken removes the segments before the checkpoint that are not whole, and those before them, and returns the
// others.
func (cfg LogConfig) dropBroken(old, live []inspected, from uint64) (kept []inspected, dropped []uint64, err error) {
	chain := slices.Concat(old, live[:min(1, len(live))])
	first, number := len(old), from-1
	for first > 0 && chain[first-1].number == number && settle(chain[first-1:min(first+1, len(chain))]) > 0 {
		first--
		number--
	}
	for _, in := range old[:first] {
		dropped = append(dropped, in.number)
		err = errors.Join(err, removeIfThere(cfg.FS, cfg.path(in.number)))
	}
	return chain[first:len(old)], dropped, err
}

func (cfg LogConfig) syncFile(number uint64) error {
	f, err := cfg.FS.Open(cfg.path(number), os.O_RDWR)
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing of it counts
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (cfg LogConfig) path(segment uint64) string { return filepath.Join(cfg.Dir, segmentName(segment)) }

// newLog returns a log that goes on behind those segments.
func newLog(cfg LogConfig, found []inspected, from uint64) *Log {
	l := &Log{cfg: cfg, next: from, written: make(chan struct{}, 1), tails: map[*Tail]struct{}{}}
	for i := range found {
		in := &found[i]
		l.segments = append(l.segments, &segment{
			number: in.number, size: in.whole, synced: in.whole, named: true, sealed: true,
		})
		l.next, l.prior = max(in.number+1, from), in.whole
	}
	return l
}
