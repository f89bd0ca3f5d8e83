package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
)

// opened opens a log that must be sound.
func opened(t *testing.T, cfg LogConfig, from uint64) *Log {
	t.Helper()
	l, _, err := openLog(cfg, from)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// batch returns records that tell their batch and place.
func batch(number, records int) [][]byte {
	all := make([][]byte, records)
	for i := range all {
		all[i] = fmt.Appendf(nil, "%d/%d ", number, i)
		all[i] = append(all[i], make([]byte, (number*7+i*13)%90)...)
	}
	return all
}

func appendAll(t *testing.T, l *Log, batches ...[][]byte) {
	t.Helper()
	for _, b := range batches {
		if err := l.Append(Records(b...)); err != nil {
			t.Fatal(err)
		}
	}
}

func rotated(t *testing.T, l *Log) uint64 {
	t.Helper()
	s, err := l.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type reading func(uint64, func([]byte) error) error

func read(t *testing.T, from uint64, r reading) [][]byte {
	t.Helper()
	var all [][]byte
	if err := r(from, func(b []byte) error { all = append(all, b); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func expect(t *testing.T, got [][]byte, batches ...[][]byte) {
	t.Helper()
	want := slices.Concat(batches...)
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%d records %q, want %d %q", len(got), called(got), len(want), called(want))
	}
}

func TestLogIsReadBack(t *testing.T) {
	for _, sync := range []bool{false, true} {
		cfg := LogConfig{FS: OS(), Dir: t.TempDir() + "/log", Sync: sync, KeepBytes: 1 << 20}
		l := opened(t, cfg, 0)
		if s := rotated(t, l); s != 1 {
			t.Fatalf("an empty log begins with segment %d", s)
		}
		appendAll(t, l, batch(1, 3), batch(2, 1))
		checkpoint := rotated(t, l)
		if again := rotated(t, l); again != checkpoint || checkpoint != 2 {
			t.Fatalf("segments %d, %d", checkpoint, again)
		}
		appendAll(t, l, batch(3, 5))
		if err := l.WriteBase(checkpoint, []byte("base")); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.SyncThrough(checkpoint), l.Trim(checkpoint), l.Close()); err != nil {
			t.Fatal(err)
		}
		l = opened(t, cfg, checkpoint)
		expect(t, read(t, checkpoint, l.Replay), batch(3, 5))
		expect(t, read(t, checkpoint, l.Old), batch(1, 3), batch(2, 1))
		appendAll(t, l, batch(4, 2))
		expect(t, read(t, checkpoint, l.Replay), batch(3, 5), batch(4, 2))
		if base, err := l.ReadBase(checkpoint); err != nil || string(base) != "base" {
			t.Fatalf("%q, %v", base, err)
		}
		if _, err := l.ReadBase(checkpoint + 1); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
