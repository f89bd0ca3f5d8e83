package store

import (
	"errors"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// checkpointed begins a segment behind a batch and makes it that of a checkpoint.
func checkpointed(t *testing.T, l *Log, before [][]byte) uint64 {
	t.Helper()
	appendAll(t, l, before)
	segment := rotated(t, l)
	if err := errors.Join(l.WriteBase(segment, before[0]), l.SyncThrough(segment), l.Trim(segment)); err != nil {
		t.Fatal(err)
	}
	return segment
}

// newTail returns a log that keeps nothing for peers but tails up to that many bytes, and one behind its first batch.
func newTail(t *testing.T, bytes int64) (*Log, *Tail) {
	t.Helper()
	l := opened(t, LogConfig{FS: faultfs.New(1), Dir: testDir, SegmentBytes: 300}, 0)
	l.limitTails(bytes)
	tail, err := l.keep(checkpointed(t, l, batch(1, 3)))
	if err != nil {
		t.Fatal(err)
	}
	return l, tail
}

func readTail(tail *Tail) (all [][]byte, err error) {
	err = tail.Records(func(b []byte) error { all = append(all, append([]byte(nil), b...)); return nil })
	return all, err
}

// TestTailStays: later checkpoints leave the log behind an earlier one, with its base, until it is closed.
func TestTailStays(t *testing.T) {
	l, tail := newTail(t, 1<<20)
	if all, err := readTail(tail); err != nil || len(all) > 0 {
		t.Fatalf("%d records, %v", len(all), err)
	}
	var batches [][][]byte
	for n := 2; n < 9; n++ {
		batches = append(batches, batch(n, 6))
		checkpointed(t, l, batches[n-2])
	}
	for range 2 { // it can be read again
		all, err := readTail(tail)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, all, batches...)
	}
	base, err := tail.Base()
	if err != nil || string(base) != string(batch(1, 1)[0]) {
		t.Fatalf("%q, %v", base, err)
	}
	if st := l.Stats(); st.Tail != st.Bytes || st.Tail == 0 {
		t.Errorf("%+v", st)
	}
	tail.Close()
	checkpointed(t, l, batch(9, 1))
	if st := l.Stats(); st.Segments > 0 || st.Tail > 0 {
		t.Errorf("%+v", st)
	}
	if names, err := l.cfg.FS.List(testDir); err != nil || len(names) != 1 {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := readTail(tail); !errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
}

// TestTailIsBounded: one that has become too long is let go of, also while it is read.
func TestTailIsBounded(t *testing.T) {
	l, tail := newTail(t, 2000)
	appendAll(t, l, batch(2, 6))
	read := 0
	err := tail.Records(func([]byte) error {
		if read++; read == 1 {
			checkpointed(t, l, [][]byte{make([]byte, 2000)})
			appendAll(t, l, batch(3, 1))
		}
		return nil
	})
	if !errors.Is(err, ErrLetGo) || read > 6 {
		t.Errorf("%d records are read, %v", read, err)
	}
	if _, err := tail.Base(); !errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
	if st := l.Stats(); st.Bytes > 2000 || st.Tail > 0 {
		t.Errorf("%+v", st)
	}
}

// TestTailOfManySegments: segments in which little happens are bounded in number.
func TestTailOfManySegments(t *testing.T) {
	l, tail := newTail(t, 1<<40)
	for range maxKept + 10 {
		checkpointed(t, l, [][]byte{{1}})
	}
	if _, err := readTail(tail); !errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
	if names, err := l.cfg.FS.List(testDir); err != nil || len(names) > 2 {
		t.Errorf("%d files, %v", len(names), err)
	}
}

// TestTailOfTheLate: a checkpoint that is no longer the last has no tail any more, but for what others keep.
func TestTailOfTheLate(t *testing.T) {
	s := open(t, t.TempDir())
	checkpoint(t, s, "base", "meta", map[string][]byte{"a": {1}})
	v, err := s.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	kept, err := v.Tail()
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	put(t, s, "one")
	checkpoint(t, s, "base", "meta", map[string][]byte{"a": {2}})
	put(t, s, "two")
	if _, err := v.Tail(); !errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
	all, err := readTail(kept)
	if err != nil || len(all) < 2 {
		t.Errorf("%q, %v", all, err)
	}
}

// TestTailFollows reads a log while it is written, and cut by checkpoints.
func TestTailFollows(t *testing.T) {
	l, tail := newTail(t, 1<<30)
	var batches [][][]byte
	for n := 2; n < 100; n++ {
		batches = append(batches, batch(n, 4))
	}
	written := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		defer close(written)
		for i, b := range batches {
			if i%9 == 0 {
				checkpointed(t, l, b)
			} else {
				appendAll(t, l, b)
			}
		}
	})
	defer writer.Wait()
	var all [][]byte
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		var err error
		if all, err = readTail(tail); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, all, batches...)
}
