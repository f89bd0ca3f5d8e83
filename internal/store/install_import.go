package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// importBatch is about how many bytes of records are committed at a time, and have to be fetched again after a crash.
const importBatch = 4 << 20

// Import collects a checkpoint that is fetched from a peer, beside the running state.
//
// Concurrency: one goroutine at a time, beside everything else that the Store does.
type Import struct {
	store    *Store
	dir      string
	identity []byte
	state    *state
	lastKey  []byte   // of the last record that was added, nil: none
	records  uint64   // in the file
	batch    []change // added and not yet in the file
	size     int      // bytes of batch
}

// NewImport begins to collect the checkpoint of an identity, or goes on with it if some of it is there from before;
// what is there of another checkpoint is removed. There is one Import at a time; the caller closes it.
func (s *Store) NewImport(identity []byte) (*Import, error) {
	if s.installed.Load() {
		return nil, ErrInstalled
	}
	i := &Import{store: s, dir: filepath.Join(s.cfg.Dir, nameFetch), identity: bytes.Clone(identity)}
	err := i.resume()
	var corrupt *CorruptError
	if errors.Is(err, errOther) || errors.As(err, &corrupt) {
		err = i.restart()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin to fetch: %w", err), i.Close())
	}
	return i, nil
}

// errOther says that what was fetched is of another checkpoint.
var errOther = errors.New("another checkpoint")

// resume opens what is there. All of it is read once, so that what a loss of power damaged is not built upon.
func (i *Import) resume() error {
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return err
	}
	state, err := openState(filepath.Join(i.dir, nameState), false)
	if err != nil {
		return err
	}
	i.state = state
	tx, h, err := state.begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if h.Segment != 0 || !bytes.Equal(h.Meta, i.identity) {
		return errOther
	}
	i.records = h.Records
	return state.load(tx, h.Records, func(key, _ []byte) error {
		i.lastKey = append(i.lastKey[:0], key...)
		return nil
	})
}

// restart removes what is there and begins afresh.
func (i *Import) restart() error {
	if err := i.remove(); err != nil {
		return err
	}
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return err
	}
	state, err := createState(filepath.Join(i.dir, nameState))
	if err != nil {
		return err
	}
	i.state, i.lastKey, i.records = state, nil, 0
	return i.commit(header{Meta: i.identity})
}

// Progress returns the key of the last record that was added, nil if there is none yet, and how many there are. The
// next record is the one that View.Records has behind that key.
func (i *Import) Progress() (last []byte, records uint64) {
	return bytes.Clone(i.lastKey), i.records + uint64(len(i.batch))
}

// Add adds a record, of which nothing is kept. Records come in the order of View.Records, each once; others are
// refused. Every few MiB they are put on the disk; after an error Add may be called with the same record again.
func (i *Import) Add(key, value []byte) error {
	stored := bytes.Clone(storedKey(key))
	if len(key) == 0 || i.lastKey != nil && bytes.Compare(stored, storedKey(i.lastKey)) <= 0 {
		return fmt.Errorf("add to a fetched checkpoint: key %q stands behind %q", brief(key), brief(i.lastKey))
	}
	if i.size >= importBatch {
		if err := i.commit(header{Meta: i.identity}); err != nil {
			return err
		}
	}
	b := appendStored(make([]byte, 0, storedSize(key, value)), key, value)
	i.batch = append(i.batch, change{stored, b})
	i.size += len(stored) + len(b)
	i.lastKey = append(i.lastKey[:0], key...)
	return nil
}

// State calls f with every record that was added, as Store.State does.
func (i *Import) State(f func(key, value []byte) error) error {
	if err := i.commit(header{Meta: i.identity}); err != nil {
		return err
	}
	tx, h, err := i.state.begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return i.state.load(tx, h.Records, f)
}

// commit puts what was added since the last time on the disk.
func (i *Import) commit(h header) error {
	records, err := i.state.commit(i.batch, h, false)
	if err != nil {
		return err
	}
	i.records, i.batch, i.size = records, nil, 0
	return nil
}

// Install makes what was collected the store's last checkpoint, and begins a new log with records. It replaces
// everything that is stored, in one step: after a crash Open finds all of the old or all of the new. When it returns
// nil, nothing more can be added to the Store, whose other goroutines are then told ErrInstalled; it is closed, after
// the Import, and opened again. After an error everything is as it was, and Install may be called again.
func (i *Import) Install(base, meta []byte, records [][]byte) error {
	if err := i.install(base, meta, records); err != nil {
		return fmt.Errorf("install a fetched checkpoint: %w", err)
	}
	return nil
}

// firstSegment is the number of a log's first segment.
const firstSegment = 1

func (i *Import) install(base, meta []byte, records [][]byte) error {
	s := i.store
	if s.installed.Load() {
		return ErrInstalled
	}
	if err := i.newLog(base, records); err != nil {
		return err
	}
	s.stepped("log written")
	if err := i.commit(header{Segment: firstSegment, Meta: meta}); err != nil {
		return err
	}
	if err := syncDirs(i.dir, s.cfg.Dir); err != nil {
		return err
	}
	s.stepped("state written")
	if err := writeMarker(s.cfg.Dir); err != nil {
		return err
	}
	s.installed.Store(true)
	s.stepped("marker written")
	return nil
}

// newLog writes the log that takes the old one's place.
func (i *Import) newLog(base []byte, records [][]byte) error {
	dir := filepath.Join(i.dir, nameLog)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	log, _, err := openLog(i.store.logConfig(dir), firstSegment)
	if err != nil {
		return err
	}
	err = log.WriteBase(firstSegment, base)
	if err == nil && len(records) > 0 {
		err = log.Append(Records(records...))
	}
	return errors.Join(err, log.Close())
}

// Discard removes what was collected, and ends the Import.
func (i *Import) Discard() error { return i.remove() }

func (i *Import) remove() error {
	err := i.Close()
	i.state = nil
	return errors.Join(err, os.RemoveAll(i.dir))
}

// Close ends the Import. What was put on the disk is there for the next, or installed by the next Open.
func (i *Import) Close() error {
	if i.state == nil {
		return nil
	}
	return i.state.close()
}
