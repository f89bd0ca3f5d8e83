package store

import (
	"errors"

	"go.etcd.io/bbolt"
)

// ErrNoCheckpoint says that nothing was committed yet.
var ErrNoCheckpoint = errors.New("there is no checkpoint yet")

// View is the last checkpoint as it was when the View was made, whatever is committed meanwhile. As long as it is
// open, the pages that those commits replace cannot be used again and the file grows; so it is not kept for ever.
//
// Concurrency: one goroutine at a time.
type View struct {
	Meta, Base []byte // as they were committed; not to be changed
	Count      uint64 // of the records

	state   *state
	tx      *bbolt.Tx
	log     *Log
	segment uint64 // from which the log leads on
}

// View returns the last checkpoint, which the caller closes before the Store. It may be called from any goroutine.
func (s *Store) View() (*View, error) {
	for {
		tx, h, err := s.state.begin()
		if err != nil {
			return nil, err
		}
		v := &View{Meta: h.Meta, Count: h.Records, state: s.state, tx: tx, log: s.log, segment: h.Segment}
		if h.Segment == 0 {
			v.Close()
			return nil, ErrNoCheckpoint
		}
		if v.Base, err = s.log.ReadBase(h.Segment); err == nil {
			return v, nil
		}
		v.Close()
		if s.segment.Load() == h.Segment {
			return nil, err
		}
		// A Commit replaced the checkpoint between the two steps and its base went: the next one is there.
	}
}

// Records calls f with the records behind the key after, nil: with all of them. They come in ascending order of their
// keys; but two keys with the same first 1,024 bytes of which one is longer may come in either order, which is the
// same everywhere. Key and value are valid until f returns, an error of which ends it and is returned. Damage is a
// *CorruptError, and may be found when f has already had some of the records.
func (v *View) Records(after []byte, f func(key, value []byte) error) error {
	if after == nil {
		return v.state.load(v.tx, v.Count, f)
	}
	_, err := v.state.each(v.tx, storedKey(after), func(rec record) error { return v.state.whole(rec, f) })
	return err
}

// Close lets go of the checkpoint.
func (v *View) Close() {
	_ = v.tx.Rollback() // of a read transaction: lets go of it, and cannot fail
}
