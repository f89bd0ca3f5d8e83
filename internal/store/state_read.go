package store

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// chunkBytes is about how much is copied out of the file at a time.
const chunkBytes = 256 << 10

// record is a record as it was found. Its slices are the reader's, until the next chunk.
type record struct {
	stored     []byte // the key in the tree
	key, value []byte
	ok         bool // it is as it was written; if not, key is nil if that is not known either, and value means nothing
}

// reader goes through the records of a transaction in the order of their stored keys. It copies a chunk of them at a
// time, so that whoever looks at them is outside of the guard and cannot be hit by a page that cannot be read.
type reader struct {
	state   *state
	cursor  *bbolt.Cursor // nil at the end
	last    []byte        // the stored key after which the next chunk begins, nil: at the beginning
	records []record
	buf     []byte
}

// reader begins behind the stored key after, nil: with the first record.
func (s *state) reader(tx *bbolt.Tx, after []byte) (*reader, error) {
	r := &reader{state: s, last: after}
	err := s.guard("read", func() error {
		b := tx.Bucket(bucketRecords)
		if b == nil {
			return s.corrupt(noRecords)
		}
		r.cursor = b.Cursor()
		return nil
	})
	return r, err
}

// next reads the next chunk into r.records. There are none left if it is empty.
func (r *reader) next() error {
	r.records, r.buf = r.records[:0], r.buf[:0]
	if r.cursor == nil {
		return nil
	}
	return r.state.guard("read", func() error {
		stored, value := r.seek()
		for ; stored != nil; stored, value = r.cursor.Next() {
			if r.last != nil && bytes.Compare(stored, r.last) <= 0 {
				return r.state.corrupt(fmt.Sprintf("key %q stands behind %q", brief(stored), brief(r.last)))
			}
			r.add(stored, value)
			if len(r.buf) >= chunkBytes {
				return nil
			}
		}
		r.cursor = nil
		return nil
	})
}

// seek goes to the first record of the chunk. Within a transaction that is a step of the cursor; but the place where a
// reader begins need not be the key of a record.
func (r *reader) seek() (stored, value []byte) {
	switch {
	case r.last == nil:
		return r.cursor.First()
	case r.buf == nil:
		stored, value = r.cursor.Seek(r.last)
		if !bytes.Equal(stored, r.last) {
			return stored, value
		}
	}
	return r.cursor.Next()
}

// add copies a record into the chunk. Where the buffer moves as it grows, earlier records keep the old one.
func (r *reader) add(stored, value []byte) {
	at, middle := len(r.buf), len(r.buf)+len(stored)
	r.buf = append(append(r.buf, stored...), value...)
	stored, value = r.buf[at:middle:middle], r.buf[middle:len(r.buf):len(r.buf)]
	rec := record{stored: stored}
	rec.key, rec.value, rec.ok = splitStored(stored, value)
	r.records = append(r.records, rec)
	r.last = stored
}

// each calls f with each record behind the stored key after, and returns how many there were.
func (s *state) each(tx *bbolt.Tx, after []byte, f func(record) error) (n uint64, err error) {
	r, err := s.reader(tx, after)
	for err == nil {
		if err = r.next(); err != nil || len(r.records) == 0 {
			break
		}
		for _, rec := range r.records {
			if err = f(rec); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, err
}

// load calls f with every record of a transaction, all of which must be well and as many as count.
func (s *state) load(tx *bbolt.Tx, count uint64, f func(key, value []byte) error) error {
	n, err := s.each(tx, nil, func(rec record) error { return s.whole(rec, f) })
	if err == nil && n != count {
		err = s.corrupt(fmt.Sprintf("%d records where the header says %d", n, count))
	}
	return err
}

// whole calls f with a record, if it is well.
func (s *state) whole(rec record, f func(key, value []byte) error) error {
	if !rec.ok {
		return s.corruptRecord(rec)
	}
	return f(rec.key, rec.value)
}

func (s *state) corruptRecord(rec record) *CorruptError {
	return s.corrupt(fmt.Sprintf("the checksum of the record with key %q is wrong", brief(rec.stored)))
}

// brief returns a key as short as fits in a line of a log.
func brief(key []byte) []byte { return key[:min(len(key), 64)] }
