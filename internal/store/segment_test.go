package store

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
)

const testDir = "node/log"

// written returns a disk with two segments, of which the second names how long the first is, and what is in them.
func written(t testing.TB) (files *faultfs.FS, cfg LogConfig, records [][]byte) {
	files = faultfs.New(1)
	cfg = LogConfig{FS: files, Dir: testDir}
	l, _, err := openLog(cfg, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 6 {
		if n == 3 {
			_, _ = l.Rotate() // it never fails
		}
		b := batch(n, 2)
		if err := l.Append(Records(b...)); err != nil {
			t.Fatal(err)
		}
		records = append(records, b...)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return files, cfg, records
}

// TestTornTail cuts the last segment at every byte: what is whole before stays, and the log goes on behind it.
func TestTornTail(t *testing.T) {
	files, _, records := written(t)
	last := testDir + "/" + segmentName(2)
	data, _ := files.ReadFile(last)
	for size := range data {
		torn := files.Clone(2)
		torn.WriteFile(last, data[:size])
		cfg := LogConfig{FS: torn, Dir: testDir}
		l, cut, err := openLog(cfg, 0)
		if err != nil {
			t.Fatalf("cut at %d: %v", size, err)
		}
		got := read(t, 0, l.Replay)
		expect(t, got, records[:len(got)])
		if len(got) < 6 || len(got) == len(records) {
			t.Fatalf("cut at %d: %d records", size, len(got))
		}
		whole := int64(0)
		if size >= headerSize {
			whole = headerSize
		}
		for _, r := range got[6:] {
			whole += frameSize + int64(len(r))
		}
		if cut.CutBytes != int64(size)-whole {
			t.Fatalf("cut at %d: %d bytes went, of %d behind the last record", size, cut.CutBytes, int64(size)-whole)
		}
		appendAll(t, l, batch(9, 1))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again := opened(t, cfg, 0)
		expect(t, read(t, 0, again.Replay), got, batch(9, 1))
	}
}

// TestDamage flips a bit of every byte: it never goes unnoticed, and what is before it stays.
func TestDamage(t *testing.T) {
	files, _, records := written(t)
	for number := uint64(1); number <= 2; number++ {
		name := testDir + "/" + segmentName(number)
		data, _ := files.ReadFile(name)
		for at := range data {
			damaged := files.Clone(3)
			damaged.Flip(name, int64(at), 1<<(at%8))
			cfg := LogConfig{FS: damaged, Dir: testDir}
			l, cut, err := openLog(cfg, 0)
			if corrupt := (*CorruptError)(nil); errors.As(err, &corrupt) {
				if corrupt.Segment != number || corrupt.Offset > int64(at) {
					t.Fatalf("byte %d of segment %d: %v", at, number, err)
				}
				expectAside(t, cfg, number, damaged)
				l, _, err = openLog(cfg, 0)
			} else if number == 1 {
				t.Fatalf("byte %d: segments behind it are there, and no word of it: %v", at, err)
			} else if cut.CutBytes == 0 {
				t.Fatalf("byte %d: no word of it", at)
			}
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, 0, l.Replay)
			expect(t, got, records[:len(got)])
			if len(got) == len(records) || number == 2 && len(got) < 6 {
				t.Fatalf("byte %d of segment %d: %d records", at, number, len(got))
			}
			appendAll(t, l, batch(9, 1))
			expect(t, read(t, 0, opened(t, cfg, 0).Replay), got, batch(9, 1))
		}
	}
}

// expectAside sets the corrupt segments aside, from that one on.
func expectAside(t *testing.T, cfg LogConfig, number uint64, files *faultfs.FS) {
	t.Helper()
	want := map[uint64][]byte{}
	for n := number; n <= 2; n++ {
		want[n], _ = files.ReadFile(cfg.path(n))
	}
	if err := setAside(cfg, 0); err != nil {
		t.Fatal(err)
	}
	for n, data := range want {
		if got, _ := files.ReadFile(cfg.Dir + "/" + asideDir + "/" + segmentName(n)); !bytes.Equal(got, data) {
			t.Fatalf("segment %d was not kept for a look", n)
		}
	}
}

// TestMissingSegment takes away the first segment, which only the second one knows of.
func TestMissingSegment(t *testing.T) {
	files, cfg, _ := written(t)
	if err := files.Remove(cfg.path(1)); err != nil {
		t.Fatal(err)
	}
	_, _, err := openLog(cfg, 0)
	if corrupt := (*CorruptError)(nil); !errors.As(err, &corrupt) || corrupt.Segment != 1 || corrupt.Offset != 0 {
		t.Fatal(err)
	}
	if err := setAside(cfg, 0); err != nil {
		t.Fatal(err)
	}
	expect(t, read(t, 0, opened(t, cfg, 0).Replay))
}

// TestShortSegment cuts the first segment between two records, where no checksum tells.
func TestShortSegment(t *testing.T) {
	files, cfg, records := written(t)
	data, _ := files.ReadFile(cfg.path(1))
	files.WriteFile(cfg.path(1), data[:len(data)-frameSize-len(records[5])])
	_, _, err := openLog(cfg, 0)
	if corrupt := (*CorruptError)(nil); !errors.As(err, &corrupt) || corrupt.Segment != 1 {
		t.Fatal(err)
	}
	if err := setAside(cfg, 0); err != nil {
		t.Fatal(err)
	}
	expect(t, read(t, 0, opened(t, cfg, 0).Replay), records[:5])
}

// TestUnknownVersion refuses a log of another version and leaves it as it is.
func TestUnknownVersion(t *testing.T) {
	files, cfg, _ := written(t)
	data, _ := files.ReadFile(cfg.path(2))
	other := slices.Concat(otherVersion(data), data[headerSize:])
	files.WriteFile(cfg.path(2), other)
	for _, from := range []uint64{0, 2, 3} {
		_, _, err := openLog(cfg, from)
		if !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
	}
	if now, _ := files.ReadFile(cfg.path(2)); !bytes.Equal(now, other) {
		t.Fatal("the segment was changed")
	}
}

// TestBadOldSegment damages a segment from before the checkpoint: it goes, and nothing else.
func TestBadOldSegment(t *testing.T) {
	files, cfg, records := written(t)
	l := opened(t, cfg, 0)
	checkpoint := rotated(t, l)
	appendAll(t, l, batch(9, 1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files.Flip(cfg.path(1), headerSize+frameSize, 1)
	l, cut, err := openLog(cfg, checkpoint)
	if err != nil || !slices.Equal(cut.Dropped, []uint64{1}) {
		t.Fatal(cut, err)
	}
	expect(t, read(t, checkpoint, l.Old), records[6:])
	expect(t, read(t, checkpoint, l.Replay), batch(9, 1))
	if _, there := files.ReadFile(cfg.path(1)); there {
		t.Fatal("the bad segment is still there")
	}
}

// TestPlaceIsSummedUp moves a record to where another one was: it is not taken for one that was written there.
func TestPlaceIsSummedUp(t *testing.T) {
	record := []byte("twelve bytes")
	for _, other := range []struct {
		number uint64
		offset int64
	}{{1, headerSize + 1}, {2, headerSize}} {
		segment := appendRecord(appendHeader(nil, 1, 0), other.number, other.offset, Bytes(record))
		r := &segmentReader{file: bytes.NewReader(segment), number: 1, at: headerSize, end: int64(len(segment))}
		if _, err := r.next(); !errors.Is(err, errBad) {
			t.Errorf("%+v: %v", other, err)
		}
	}
}

// FuzzSegment reads any bytes as a segment: whatever is read is what would be written, and no more memory is taken than
// the bytes are worth.
func FuzzSegment(f *testing.F) {
	files, cfg, _ := written(f)
	for number := uint64(1); number <= 2; number++ {
		data, _ := files.ReadFile(cfg.path(number))
		f.Add(data, number)
		f.Add(data[:len(data)-3], number)
	}
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff"), uint64(1))
	f.Fuzz(func(t *testing.T, data []byte, number uint64) {
		r := &segmentReader{file: bytes.NewReader(data), number: number, end: int64(len(data))}
		var again []byte
		for {
			at := r.at
			record, err := r.next()
			if err == nil {
				again = appendRecord(again, number, at, Bytes(record))
				continue
			}
			if !errors.Is(err, io.EOF) && !errors.Is(err, errBad) {
				t.Fatal(err)
			}
			break
		}
		if !bytes.Equal(again, data[:r.at]) || cap(r.window) > max(len(data), readAhead) {
			t.Fatalf("%q, window of %d", again, cap(r.window))
		}
		if _, err := r.search(); err != nil {
			t.Fatal(err)
		}
		_, _ = parseHeader(data, number) // must not panic
	})
}

// FuzzOpen opens any bytes as the last of two segments: the log opens, if need be with something set aside, and goes on.
func FuzzOpen(f *testing.F) {
	files, cfg, records := written(f)
	data, _ := files.ReadFile(cfg.path(2))
	f.Add(data)
	f.Add(data[:40])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		files := files.Clone(4)
		files.WriteFile(cfg.path(2), data)
		cfg := LogConfig{FS: files, Dir: testDir}
		l, _, err := openLog(cfg, 0)
		if errors.Is(err, ErrVersion) {
			return
		}
		if corrupt := (*CorruptError)(nil); errors.As(err, &corrupt) {
			if err := setAside(cfg, 0); err != nil {
				t.Fatal(err)
			}
			l, _, err = openLog(cfg, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, 0, l.Replay)
		appendAll(t, l, batch(9, 1))
		expect(t, read(t, 0, opened(t, cfg, 0).Replay), got, batch(9, 1))
		if n := min(len(got), 6); !slices.EqualFunc(got[:n], records[:n], bytes.Equal) {
			t.Fatalf("the first segment changed: %q", called(got))
		}
	})
}
