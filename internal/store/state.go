package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	bucketRecords = []byte("records")
	bucketMeta    = []byte("meta")
	keyHeader     = []byte("header")
)

const noRecords = "the root of its records is missing"

// How full a page of the tree is left when it is split. Records that come in order, in the first checkpoint of an
// empty state or from a peer, never come back to a page; those of later checkpoints fall anywhere.
const (
	fillOrdered = 0.95
	fillRandom  = 0.7
)

// state is the file with the records of the last checkpoint: a bbolt database.
//
// The list of its free pages is written with every transaction, which costs a few pages. Without it bbolt would read
// the whole tree when it opens the file, in a goroutine of its own, where a damaged page could not be kept from ending
// the process.
type state struct {
	path   string
	file   *os.File
	db     *bbolt.DB
	broken atomic.Bool // a transaction ended in a panic: bbolt's own account of the file can no longer be trusted
}

// createState makes an empty state file in place of what is there. It has a header from the beginning, so that one
// without is damaged.
func createState(path string) (*state, error) {
	if err := os.RemoveAll(path); err != nil {
		return nil, err
	}
	s := &state{path: path}
	err := s.open(false)
	if err == nil {
		err = s.db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket(bucketRecords)
			b, err2 := tx.CreateBucket(bucketMeta)
			if err = errors.Join(err, err2); err != nil {
				return err
			}
			return b.Put(keyHeader, header{}.encode())
		})
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// openState opens the state file that is there.
func openState(path string, readOnly bool) (*state, error) {
	s := &state{path: path}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, s.corrupt("it is missing or empty")
	}
	if err == nil {
		err = s.open(readOnly)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *state) open(readOnly bool) error {
	err := s.guard("open", func() (err error) {
		s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{
			Timeout:         time.Second,
			FreelistType:    bbolt.FreelistMapType,
			InitialMmapSize: mapSize,
			ReadOnly:        readOnly,
			NoStatistics:    true,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				s.file, err = os.OpenFile(name, flag, mode)
				return s.file, err
			},
		})
		return err
	})
	if errors.Is(err, bolterrors.ErrInvalid) || errors.Is(err, bolterrors.ErrChecksum) || errors.Is(err, bolterrors.ErrVersionMismatch) {
		err = s.corrupt(err.Error())
	}
	return err
}

// close waits until no transaction is open.
func (s *state) close() error {
	if s.db != nil && !s.broken.Load() {
		return s.db.Close()
	}
	if s.file != nil {
		// Whatever panicked may hold bbolt's locks for ever, and the memory map, which stays, keeps the file locked.
		unlockFile(s.file)
		_ = s.file.Close() // bbolt may have closed it
	}
	return nil
}

// guard runs what reads or writes the file. bbolt reads through a memory map and believes what it finds, so that a
// damaged page makes it panic, or follow an offset out of the map, and a read error of the disk is a fault; here all
// of them become a *CorruptError. Nothing but bbolt and this package's decoding may run in it, lest a broken
// invariant of others is taken for a broken disk.
func (s *state) guard(what string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = s.corrupt(fmt.Sprintf("%s: %v", what, p))
		}
	}()
	if err := f(); err != nil {
		return fmt.Errorf("%s %s: %w", what, s.path, err)
	}
	return nil
}

func (s *state) corrupt(what string) *CorruptError {
	return &CorruptError{Path: s.path, What: what}
}

// begin opens a read transaction, which the caller rolls back. There is a nil one beside an error only.
func (s *state) begin() (tx *bbolt.Tx, h header, err error) {
	if s.broken.Load() {
		return nil, h, s.corrupt("a transaction failed half-way; the file must be opened anew")
	}
	err = s.guard("read", func() (err error) {
		if tx, err = s.db.Begin(false); err == nil {
			h, err = s.header(tx)
		}
		return err
	})
	if err != nil && tx != nil {
		_ = tx.Rollback() // of a read transaction: lets go of it, and cannot fail
		tx = nil
	}
	return tx, h, err
}

func (s *state) header(tx *bbolt.Tx) (header, error) {
	if b := tx.Bucket(bucketMeta); b != nil {
		if h, ok := decodeHeader(b.Get(keyHeader)); ok {
			return h, nil
		}
	}
	return header{}, s.corrupt("it has no header, or not the one that was written")
}

// change is one record to be put, or with a nil value deleted, as it stands in the tree.
type change struct{ key, value []byte }

// commit is one transaction, on the disk when it returns: the changes, which are in order of their keys, and a header
// of which it sets the number of records. If they are all there is to be, the tree that was there goes whole, without a
// look at its records. After an error it may or may not have happened.
func (s *state) commit(changes []change, h header, all bool) (records uint64, err error) {
	if s.broken.Load() {
		return 0, s.corrupt("a transaction failed half-way; the file must be opened anew")
	}
	done := false
	err = s.guard("commit to", func() error {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			if all {
				err = s.clear(tx)
			}
			if err == nil {
				h.Records, err = s.write(tx, changes)
			}
			if err != nil {
				return err
			}
			return tx.Bucket(bucketMeta).Put(keyHeader, h.encode())
		})
		done = true
		return err
	})
	if !done {
		s.broken.Store(true)
	}
	return h.Records, err
}

// clear leaves no record.
func (s *state) clear(tx *bbolt.Tx) error {
	h, err := s.header(tx)
	if err != nil {
		return err
	}
	h.Records = 0
	err = errors.Join(tx.DeleteBucket(bucketRecords), tx.Bucket(bucketMeta).Put(keyHeader, h.encode()))
	if err == nil {
		_, err = tx.CreateBucket(bucketRecords)
	}
	return err
}

// write makes the changes in a transaction and returns how many records there are afterwards.
func (s *state) write(tx *bbolt.Tx, changes []change) (records uint64, err error) {
	b := tx.Bucket(bucketRecords)
	if b == nil {
		return 0, s.corrupt(noRecords)
	}
	h, err := s.header(tx)
	if err != nil {
		return 0, err
	}
	records = h.Records
	b.FillPercent = fillRandom
	if last, _ := b.Cursor().Last(); len(changes) > 0 && bytes.Compare(changes[0].key, last) > 0 {
		b.FillPercent = fillOrdered
	}
	for _, c := range changes {
		existed := b.Get(c.key) != nil
		switch {
		case c.value != nil:
			if err = b.Put(c.key, c.value); !existed {
				records++
			}
		case existed:
			err = b.Delete(c.key)
			records--
		}
		if err != nil {
			return 0, err
		}
	}
	return records, nil
}

// size returns the size of the file in bytes.
func (s *state) size() int64 {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return info.Size()
}
