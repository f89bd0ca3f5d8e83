package store

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// TestDiskFull fills the disk in the middle of a batch, at every byte: nothing of it counts until it is appended again.
func TestDiskFull(t *testing.T) {
	for _, sync := range []bool{false, true} {
		size := int64(headerSize)
		for _, r := range append(batch(1, 2), batch(2, 3)...) {
			size += frameSize + int64(len(r))
		}
		for room := range size {
			files := faultfs.New(uint64(room))
			cfg := LogConfig{FS: files, Dir: testDir, Sync: sync}
			l := opened(t, cfg, 0)
			files.SetCapacity(room)
			var counted [][][]byte
			for n := 1; n <= 2; n++ {
				if err := l.Append(Records(batch(n, n+1)...)); err == nil {
					counted = append(counted, batch(n, n+1))
				} else if !errors.Is(err, syscall.ENOSPC) {
					t.Fatal(err)
				}
			}
			if s := l.Stats(); s.Errors == 0 || s.FailingSince.IsZero() {
				t.Fatalf("%d bytes are enough: %+v", room, s)
			}
			expect(t, read(t, 0, opened(t, LogConfig{FS: files.Clone(2), Dir: testDir}, 0).Replay), counted...)
			files.SetCapacity(-1)
			appendAll(t, l, batch(2, 3))
			if s := l.Stats(); !s.FailingSince.IsZero() {
				t.Fatalf("it works: %+v", s)
			}
			expect(t, read(t, 0, opened(t, cfg, 0).Replay), append(counted, batch(2, 3))...)
		}
	}
}

// failing returns a hook that lets these operations fail.
func failing(err error, kinds ...faultfs.Kind) func(faultfs.Op) error {
	return func(op faultfs.Op) error {
		for _, k := range kinds {
			if op.Kind == k {
				return err
			}
		}
		return nil
	}
}

// TestNoTruncate lets a batch be written in part, and the disk refuse to cut it: the log goes on in a new segment, and
// what is left behind the old one does not count.
func TestNoTruncate(t *testing.T) {
	files := faultfs.New(1)
	cfg := LogConfig{FS: files, Dir: testDir}
	l := opened(t, cfg, 0)
	appendAll(t, l, batch(1, 2))
	files.SetHook(failing(syscall.EIO, faultfs.Truncate))
	files.SetCapacity(files.Used() + 100)
	if err := l.Append(Records(batch(2, 5)...)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	files.SetCapacity(-1)
	appendAll(t, l, batch(3, 2))
	files.SetHook(nil)
	if s := l.Stats(); s.Segments != 2 {
		t.Fatalf("%+v", s)
	}
	expect(t, read(t, 0, l.Replay), batch(1, 2), batch(3, 2))
	expect(t, read(t, 0, opened(t, cfg, 0).Replay), batch(1, 2), batch(3, 2))
}

// TestSyncFails lets fsync fail once: in sync mode the batch goes into a new segment.
func TestSyncFails(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Sync, faultfs.SyncDir} {
		files := faultfs.New(1)
		cfg := LogConfig{FS: files, Dir: testDir, Sync: true}
		l := opened(t, cfg, 0)
		files.SetHook(failing(syscall.EIO, kind))
		for range 3 {
			if err := l.Append(Records(batch(1, 2)...)); !errors.Is(err, syscall.EIO) {
				t.Fatal(err)
			}
		}
		files.SetHook(nil)
		appendAll(t, l, batch(1, 2))
		files.SetHook(failing(syscall.EIO, faultfs.Sync))
		if err := l.Append(Records(batch(2, 2)...)); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		files.SetHook(nil)
		appendAll(t, l, batch(2, 2))
		if s := l.Stats(); s.Segment != 2 || s.Unsynced != 0 || s.Unsafe || s.Errors != 4 {
			t.Fatalf("%+v", s)
		}
		files.Restart(true)
		expect(t, read(t, 0, opened(t, cfg, 0).Replay), batch(1, 2), batch(2, 2))
	}
}

// TestUnsafe lets the background's fsync fail: that is told until a checkpoint covers what it was to sync.
func TestUnsafe(t *testing.T) {
	files := faultfs.New(1)
	l := opened(t, LogConfig{FS: files, Dir: testDir, KeepBytes: 1 << 20}, 0)
	appendAll(t, l, batch(1, 2))
	files.SetHook(failing(syscall.EIO, faultfs.Sync))
	if err := l.flush(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	files.SetHook(nil)
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); !s.Unsafe || s.Unsynced != 0 {
		t.Fatalf("%+v", s)
	}
	segment := rotated(t, l)
	appendAll(t, l, batch(2, 2))
	if err := errors.Join(l.SyncThrough(segment), l.Trim(segment)); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Unsafe || s.Errors != 1 || s.Segments != 2 {
		t.Fatalf("%+v", s)
	}
}

// TestSlowSync holds a sync up: Append and Rotate go on meanwhile, with one write each.
func TestSlowSync(t *testing.T) {
	files := faultfs.New(1)
	l := opened(t, LogConfig{FS: files, Dir: testDir}, 0)
	appendAll(t, l, batch(1, 2))
	begun, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	writes := 0
	files.SetHook(func(op faultfs.Op) error {
		switch op.Kind {
		case faultfs.Sync:
			once.Do(func() { close(begun); <-end })
		case faultfs.Write:
			writes++
		}
		return nil
	})
	done := make(chan error)
	go func() { done <- l.flush() }()
	<-begun
	for n := range 10 {
		appendAll(t, l, batch(n, 3))
		rotated(t, l)
	}
	if s := l.Stats(); writes != 10 || s.Segments != 10 || s.Unsynced != s.Bytes {
		t.Fatalf("%d writes, %+v", writes, s)
	}
	close(end)
	if err := errors.Join(<-done, l.flush()); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Unsynced != 0 {
		t.Fatalf("%+v", s)
	}
}

// TestAllAtOnce lets the appender, the checkpointer, the background and a reader of the statistics work at once.
func TestAllAtOnce(t *testing.T) {
	t.Run("flush", func(t *testing.T) { allAtOnce(t, false) })
	t.Run("sync", func(t *testing.T) { allAtOnce(t, true) })
}

func allAtOnce(t *testing.T, synced bool) {
	cfg := LogConfig{FS: OS(), Dir: t.TempDir(), Sync: synced, KeepBytes: 5000, FlushInterval: 1, SegmentBytes: 3000}
	l := opened(t, cfg, 0)
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := l.run(ctx); err != nil {
			t.Error(err)
		}
	})
	checkpoints := make(chan uint64)
	last := uint64(0)
	all.Go(func() {
		for segment := range checkpoints {
			if err := errors.Join(l.WriteBase(segment, batch(1, 1)[0]), l.SyncThrough(segment), l.Trim(segment)); err != nil {
				t.Error(err)
			}
			_ = l.Stats()
			last = segment
		}
	})
	var behind [][][]byte
	for n := range 400 {
		if n%20 == 0 {
			checkpoints <- rotated(t, l)
			behind = nil
		}
		behind = append(behind, batch(n, 3))
		appendAll(t, l, behind[len(behind)-1])
	}
	close(checkpoints)
	stop()
	all.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = opened(t, cfg, last)
	expect(t, read(t, last, l.Replay), behind...)
	if s := l.Stats(); s.Bytes > 20000 || s.Errors != 0 {
		t.Fatalf("%+v", s)
	}
}
