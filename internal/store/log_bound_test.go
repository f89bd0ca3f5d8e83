package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// TestSegmentsEndByThemselves writes more than a segment's worth: reading goes on from one to the next.
func TestSegmentsEndByThemselves(t *testing.T) {
	cfg := LogConfig{FS: faultfs.New(1), Dir: testDir, SegmentBytes: 200}
	l := opened(t, cfg, 0)
	var all [][][]byte
	for n := range 20 {
		all = append(all, batch(n, 3))
		appendAll(t, l, all[n])
	}
	if s := l.Stats(); s.Segments < 5 || s.Segment != uint64(s.Segments) {
		t.Fatalf("%+v", s)
	}
	expect(t, read(t, 0, opened(t, cfg, 0).Replay), all...)
}

// TestBadRecord refuses what a reader would not take, and goes on.
func TestBadRecord(t *testing.T) {
	cfg := LogConfig{FS: faultfs.New(1), Dir: testDir}
	l := opened(t, cfg, 0)
	for _, bad := range [][]byte{nil, make([]byte, maxRecord+1)} {
		if l.Append(Records([]byte("good"), bad)) == nil {
			t.Fatalf("a record of %d bytes", len(bad))
		}
	}
	if err := l.Append(nil); err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, batch(1, 1), [][]byte{make([]byte, maxRecord)})
	expect(t, read(t, 0, opened(t, cfg, 0).Replay), batch(1, 1), [][]byte{make([]byte, maxRecord)})
}

// TestTrimBoundsTheFiles checkpoints a log in which little happens: the number of its files is bounded too, and the
// base of the checkpoint is the only one.
func TestTrimBoundsTheFiles(t *testing.T) {
	files := faultfs.New(1)
	l := opened(t, LogConfig{FS: files, Dir: testDir, KeepBytes: 1 << 40}, 0)
	var segment uint64
	for range maxKept + 50 {
		appendAll(t, l, [][]byte{{1}})
		segment = rotated(t, l)
		if err := errors.Join(l.WriteBase(segment, []byte("base")), l.SyncThrough(segment), l.Trim(segment)); err != nil {
			t.Fatal(err)
		}
	}
	names, err := files.List(testDir)
	if err != nil || len(names) != maxKept+1 || names[len(names)-1] != baseName(segment) {
		t.Fatal(len(names), err)
	}
	if s := l.Stats(); s.Segments != maxKept {
		t.Fatalf("%+v", s)
	}
}

// TestTrimKeepsWhatARestartNeeds keeps nothing for peers: what is there from the checkpoint on stays.
func TestTrimKeepsWhatARestartNeeds(t *testing.T) {
	cfg := LogConfig{FS: faultfs.New(1), Dir: testDir}
	l := opened(t, cfg, 0)
	appendAll(t, l, batch(1, 2))
	segment := rotated(t, l)
	appendAll(t, l, batch(2, 2))
	rotated(t, l)
	appendAll(t, l, batch(3, 2))
	if err := errors.Join(l.SyncThrough(segment), l.Trim(segment)); err != nil {
		t.Fatal(err)
	}
	expect(t, read(t, segment, l.Old))
	expect(t, read(t, segment, opened(t, cfg, segment).Replay), batch(2, 2), batch(3, 2))
}

// TestBase damages a base at every byte, and cuts it.
func TestBase(t *testing.T) {
	files := faultfs.New(1)
	l := opened(t, LogConfig{FS: files, Dir: testDir}, 0)
	want := strings.Repeat("base", 10)
	if err := l.WriteBase(7, []byte(want)); err != nil {
		t.Fatal(err)
	}
	files.Restart(true)
	if got, err := l.ReadBase(7); err != nil || string(got) != want {
		t.Fatalf("%q, %v", got, err)
	}
	name := testDir + "/" + baseName(7)
	data, _ := files.ReadFile(name)
	corrupt := (*CorruptError)(nil)
	for at := range data {
		files.Flip(name, int64(at), 0x10)
		if _, err := l.ReadBase(7); !errors.As(err, &corrupt) {
			t.Fatalf("byte %d: %v", at, err)
		}
		files.WriteFile(name, data[:at])
		if _, err := l.ReadBase(7); !errors.As(err, &corrupt) {
			t.Fatalf("cut at %d: %v", at, err)
		}
		files.WriteFile(name, data)
	}
	files.WriteFile(testDir+"/"+baseName(8), data)
	if _, err := l.ReadBase(8); !errors.As(err, &corrupt) {
		t.Fatal(err)
	}
}

// TestHalfWrittenFileGoes leaves what a crash in WriteBase leaves.
func TestHalfWrittenFileGoes(t *testing.T) {
	files, cfg, records := written(t)
	files.WriteFile(testDir+"/"+baseName(2)+tempSuffix, []byte("half"))
	expect(t, read(t, 0, opened(t, cfg, 0).Replay), records)
	if names, err := files.List(testDir); err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
}

func TestVerifyLog(t *testing.T) {
	files, cfg, _ := written(t)
	l := opened(t, cfg, 0)
	rotated(t, l)
	appendAll(t, l, batch(9, 1))
	if err := errors.Join(l.WriteBase(2, []byte("base")), l.Close()); err != nil {
		t.Fatal(err)
	}
	expectFindings(t, files, map[string]string{})
	first, _ := files.ReadFile(cfg.path(1))
	files.WriteFile(cfg.path(1), first[:len(first)-1])
	expectFindings(t, files, map[string]string{segmentName(1): "torn record"})
	files.WriteFile(cfg.path(1), first)
	files.Flip(testDir+"/"+baseName(2), 40-5, 1)
	expectFindings(t, files, map[string]string{baseName(2): "wrong checksum"})
	if err := files.Remove(cfg.path(2)); err != nil {
		t.Fatal(err)
	}
	expectFindings(t, files, map[string]string{baseName(2): "wrong checksum", segmentName(2): "missing"})
}

// expectFindings verifies a log whose files have these problems and no others, and which is not changed by that.
func expectFindings(t *testing.T, files *faultfs.FS, problems map[string]string) {
	t.Helper()
	files.SetHook(func(op faultfs.Op) error {
		if op.Kind.Changes() {
			t.Errorf("%+v", op)
		}
		return nil
	})
	defer files.SetHook(nil)
	last, found := "", 0
	err := VerifyLog(files, testDir, func(f LogFinding) {
		if f.Name < last {
			t.Errorf("%s after %s", f.Name, last)
		}
		last = f.Name
		want, bad := problems[f.Name]
		if bad {
			found++
		}
		if bad != (f.Problem != "") || !strings.Contains(f.Problem, want) {
			t.Errorf("%+v, want %q", f, want)
		}
		if !bad && strings.HasSuffix(f.Name, logSuffix) && (f.Bytes == 0 || f.Records == 0) {
			t.Errorf("%+v", f)
		}
	})
	if err != nil || found != len(problems) {
		t.Fatal(err, found)
	}
}
