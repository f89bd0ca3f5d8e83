package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Durability says when what is appended is on the disk, and not only with the operating system.
type Durability int

// The choices. With Flush a killed process loses nothing, a machine that loses power at most the last interval; with
// Sync neither loses anything.
const (
	Flush Durability = iota // in the background, every Config.FlushInterval
	Sync                    // before Append returns
)

// Config says where the data is and how it is kept. Dir must be set.
type Config struct {
	Dir           string // the data directory of one node; made if it is not there, for its owner alone
	Durability    Durability
	FlushInterval time.Duration // with Flush, how often the log is put on the disk; default 100 ms
	// KeepBytes bounds the segments that are kept from before the last checkpoint, for peers that are behind. Default
	// 64 MiB; negative: none are kept.
	KeepBytes int64
	// TailBytes bounds the log that a Tail keeps. It is let go of, too, if it takes more than half as much as is free on
	// the disk. Default 2 GiB; negative: none is kept beyond the next checkpoint.
	TailBytes int64
	// ScrubInterval is the pause between the end of a scrub and the next, ScrubRate how many bytes a second one reads.
	// Defaults 24 h and 4 MiB.
	ScrubInterval time.Duration
	ScrubRate     int64
	// Replicated says that others have what is stored, too: a log that is damaged in its middle is cut there. Otherwise it
	// stays as it is, for somebody to mend, and cannot be opened.
	Replicated bool
	// StopOnDamage ends Run when the scrub finds the state damaged, so that the directory may be set aside at once.
	StopOnDamage bool
	Logger       *zap.Logger // nil: silence
	FS           FS          // what the log is kept on; nil: OS()
	// Boot names the time since the machine was started last. What was written in it and not synced is still there if
	// the process was killed. Default: what the system says.
	Boot string
}

// withDefaults returns a copy in which nothing is left to be chosen.
func (c Config) withDefaults() Config {
	setDefault(&c.FlushInterval, 100*time.Millisecond)
	setDefault(&c.KeepBytes, 64<<20)
	setDefault(&c.TailBytes, 2<<30)
	setDefault(&c.ScrubInterval, 24*time.Hour)
	setDefault(&c.ScrubRate, 4<<20)
	setDefault(&c.Logger, zap.NewNop())
	setDefault(&c.Boot, bootID())
	if c.FS == nil {
		c.FS = OS()
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ErrInstalled says that a fetched checkpoint is about to take the place of what is stored, so that nothing can be
// added to it: the store must be closed and opened again.
var ErrInstalled = errors.New("a fetched checkpoint was installed; the store must be opened again")

// Store is an open data directory.
type Store struct {
	cfg       Config
	lock      *os.File
	state     *state
	log       *Log
	recovered Recovered
	segment   atomic.Uint64 // of the last checkpoint; 0: there is none
	installed atomic.Bool
	damaged   atomic.Bool // a scrub has found the state so
	held      []Record    // that wait for urgent ones; the appender's own
	heldBytes int
	marked    bool         // markUnsynced has succeeded; the appender's own
	stepped   func(string) // called between two steps of what must be whole after a crash, for tests to look on

	mu    sync.Mutex
	stats Stats // guarded by mu; of it, what is not asked for at the moment
}

// Recovered is what Open found. Its slices are the caller's.
type Recovered struct {
	Meta     []byte // of the last checkpoint, as it was committed
	Base     []byte // of the last checkpoint; nil: there is none yet
	Records  uint64 // how many the state has
	CutBytes int64  // were cut off the log's end, a record that a crash had left unfinished
	Corrupt  error  // the log was cut in its middle, at a record that is not well; what stood behind it is kept aside
	Unsure   bool   // the machine has lost power, and with it maybe urgent records that Flush had not synced
}

// Open opens a data directory, or makes one. It finishes an Install that a crash cut short. Damage that leaves no
// checkpoint to begin with is a *CorruptError: the directory is then for SetAside. So is any other, unless
// Config.Replicated.
func Open(cfg Config) (*Store, error) {
	return openStepped(cfg, func(string) {})
}

func openStepped(cfg Config, stepped func(string)) (*Store, error) {
	s := &Store{cfg: cfg.withDefaults(), stepped: stepped}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open data directory: %w", err), s.Close())
	}
	return s, nil
}

func (s *Store) open() (err error) {
	dir := s.cfg.Dir
	if s.lock, err = takeDir(dir); err != nil {
		return err
	}
	if err = checkVersion(dir); errors.Is(err, errNoVersion) {
		err = writeVersion(dir)
	}
	if err != nil {
		return err
	}
	if err = finishInstall(dir, s.stepped); err != nil {
		return fmt.Errorf("finish an install: %w", err)
	}
	if s.state, err = s.openState(); err != nil {
		return err
	}
	tx, h, err := s.state.begin()
	if err != nil {
		return err
	}
	_ = tx.Rollback() // of a read transaction: lets go of it, and cannot fail
	if err := s.openLog(h); err != nil {
		return err
	}
	return syncDirs(dir, filepath.Dir(dir))
}

// openState makes the state file only where there is no log either: it is older than any log.
func (s *Store) openState() (*state, error) {
	path := filepath.Join(s.cfg.Dir, nameState)
	if exists(filepath.Join(s.cfg.Dir, nameLog)) {
		return openState(path, false)
	}
	return createState(path)
}

// openLog opens the log from the checkpoint's segment on.
func (s *Store) openLog(h header) error {
	s.segment.Store(h.Segment)
	s.stats.Records = h.Records
	log, found, err := OpenLog(s.logConfig(filepath.Join(s.cfg.Dir, nameLog)), h.Segment)
	if err != nil {
		return err
	}
	s.log = log
	s.recovered = Recovered{Base: found.Base, CutBytes: found.CutBytes, Corrupt: found.Corrupt}
	if h.Segment > 0 {
		s.recovered.Meta, s.recovered.Records = h.Meta, h.Records
	}
	if s.recovered.Unsure, err = s.unsure(); err == nil && !s.recovered.Unsure {
		_ = s.markUnsynced() // else it is the first urgent Append that fails
	}
	return err
}

func (s *Store) logConfig(dir string) LogConfig {
	return LogConfig{
		FS: s.cfg.FS, Dir: dir, Sync: s.cfg.Durability == Sync,
		KeepBytes: max(s.cfg.KeepBytes, 0), FlushInterval: s.cfg.FlushInterval, Replicated: s.cfg.Replicated,
	}
}

// Recovered returns what Open found.
func (s *Store) Recovered() Recovered { return s.recovered }

// State calls f with every record of the last checkpoint, in the order of their keys (see View.Records). Key and value
// are valid until f returns, an error of which ends it and is returned. Damage is a *CorruptError, and may be found
// when f has already had some of the records.
func (s *Store) State(f func(key, value []byte) error) error {
	tx, h, err := s.state.begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return s.state.load(tx, h.Records, f)
}

// Replay calls f with the records that were in the log from the last checkpoint on when the store was opened, in the
// order in which they were appended. It is called before the first Append and Commit. The records are f's to keep; an
// error of f ends it and is returned.
func (s *Store) Replay(f func(record []byte) error) error {
	return s.log.Replay(s.segment.Load(), f)
}

// Old calls f with the records before those, of as many segments as are kept; as Replay does.
func (s *Store) Old(f func(record []byte) error) error {
	return s.log.Old(s.segment.Load(), f)
}

// Append writes records to the end of the log, all in one write, and with Sync puts them on the disk. After an error
// none of them can be relied on, and Append may be called with them again. Append and Rotate are called by one
// goroutine at a time.
//
// Records that are not urgent need not be safe when Append returns: with Sync they wait in memory for the next that
// are, so that one sync does for all.
func (s *Store) Append(records []Record, urgent bool) error {
	if s.installed.Load() {
		return ErrInstalled
	}
	if s.cfg.Durability == Sync && !urgent && s.heldBytes < maxHeld {
		s.hold(records)
		return nil
	}
	if urgent {
		if err := s.markUnsynced(); err != nil {
			return err
		}
	}
	return s.write(records)
}

// write writes the records behind those that are held.
func (s *Store) write(records []Record) error {
	all := append(s.held, records...)
	if err := s.log.Append(all); err != nil {
		return err
	}
	clear(all)
	s.held, s.heldBytes = all[:0], 0
	return nil
}

// maxHeld is how many bytes of records wait for urgent ones.
const maxHeld = 1 << 20

func (s *Store) hold(records []Record) {
	s.held = append(s.held, records...)
	for _, r := range records {
		s.heldBytes += r.Size()
	}
}

// Rotate begins a new segment of the log and returns its number, which is for the checkpoint of the state that
// everything appended so far leads to.
func (s *Store) Rotate() (segment uint64, err error) {
	if s.installed.Load() {
		return 0, ErrInstalled
	}
	if err := s.write(nil); err != nil {
		return 0, err
	}
	return s.log.Rotate()
}

// Run puts the log on the disk at each interval and scrubs now and then, until the context ends. With Config.StopOnDamage
// a state that turns out to be damaged ends it too, with a *CorruptError.
func (s *Store) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.log.run(ctx) })
	g.Go(func() error { return s.scrubNowAndThen(ctx) })
	return g.Wait()
}

// Close puts the log on the disk and lets go of the directory. It waits until every View is closed; Run must have
// returned. Nothing may be called afterwards.
func (s *Store) Close() error {
	var errs []error
	if s.log != nil {
		if !s.installed.Load() {
			errs = append(errs, s.write(nil))
		}
		unsafe := s.log.Stats().Unsafe
		errs = append(errs, s.log.Close())
		if errors.Join(errs...) == nil && !unsafe {
			errs = append(errs, s.unmarkUnsynced())
		}
	}
	if s.state != nil {
		errs = append(errs, s.state.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
