package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// flip changes one bit of every place in a file where a text begins.
func flip(t testing.TB, path, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(text)) {
		t.Fatalf("%q is not in %s", text, path)
	}
	other := string(text[0]^1) + text[1:]
	if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(text), []byte(other)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFlippedByteIsFoundAndMended(t *testing.T) {
	long := strings.Repeat("k", 40_000)
	for name, key := range map[string]string{"short key": "key 500", "long key": long} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			changes := map[string][]byte{long: []byte("value of the long key")}
			for i := range 1000 {
				changes[fmt.Sprintf("key %d", i)] = fmt.Appendf(nil, "value %d of a thousand", i)
			}
			good := changes[key]
			checkpoint(t, s, "base", "meta", changes)
			s.Close()
			flip(t, filepath.Join(dir, nameState), string(good))

			s = open(t, dir)
			var corrupt *CorruptError
			if err := s.State(func(_, _ []byte) error { return nil }); !errors.As(err, &corrupt) {
				t.Errorf("State says %v", err)
			}
			report, err := s.Scrub(context.Background(), 0)
			if err != nil || report.Err != nil || len(report.Corrupt) != 1 || string(report.Corrupt[0]) != key {
				t.Fatalf("Scrub says %q, %v, %v", report.Corrupt, report.Err, err)
			}
			checkpoint(t, s, "base", "meta", map[string][]byte{key: good})
			if report, err = s.Scrub(context.Background(), 0); err != nil || len(report.Corrupt) > 0 {
				t.Fatalf("after it was mended, Scrub says %q, %v", report.Corrupt, err)
			}
			if err := s.State(func(_, _ []byte) error { return nil }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestFullCheckpointMends: whatever has turned in the records, in their keys too, a checkpoint of all of them replaces.
func TestFullCheckpointMends(t *testing.T) {
	for _, text := range []string{"value 5 of many", "key 0500", "key 0", "long value", strings.Repeat("k", 1000)} {
		dir := t.TempDir()
		s := open(t, dir)
		all := map[string][]byte{strings.Repeat("k", 40_000): []byte("long value")}
		for i := range 1000 {
			all[fmt.Sprintf("key %04d", i)] = fmt.Appendf(nil, "value %d of many", i)
		}
		checkpoint(t, s, "base", "meta", all)
		s.Close()
		flip(t, filepath.Join(dir, nameState), text)
		s = open(t, dir)
		if s.Damaged() {
			t.Error("it is damaged before anybody has looked")
		}
		if _, err := s.Scrub(context.Background(), 0); err != nil || !s.Damaged() {
			t.Fatalf("%.20q: after a scrub, damaged %v, %v", text, s.Damaged(), err)
		}
		all["key 0007"], all["gone"] = []byte("another"), nil
		checkpoint(t, s, "base", "meta", map[string][]byte{"key 0007": all["key 0007"]})
		if !s.Damaged() {
			t.Error("a checkpoint of one record is taken for the remedy")
		}
		segment, err := s.Rotate()
		if err == nil {
			err = s.Commit(Checkpoint{Segment: segment, Base: []byte("base"), Meta: []byte("meta"), Changes: all, Full: true})
		}
		if err != nil || s.Damaged() {
			t.Fatalf("%.20q: damaged %v, %v", text, s.Damaged(), err)
		}
		delete(all, "gone")
		if got := pictureOf(t, s).State; len(got) != len(all) || got["key 0007"] != "another" || got["key 0500"] != "value 500 of many" {
			t.Errorf("%.20q: there are %d records, want %d", text, len(got), len(all))
		}
		s.Close()
		wantReport(t, dir, "segment 2, 1001 records, corrupt [], error false, problems []")
	}
}

// TestRuinedPagesAreErrors overwrites every page in turn: bbolt panics or leaves the map, and we say so.
func TestRuinedPagesAreErrors(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	changes := map[string][]byte{}
	for i := range 300 {
		changes[fmt.Sprintf("key %d", i)] = make([]byte, 100)
	}
	checkpoint(t, s, "base", "meta", changes)
	s.Close()
	path := filepath.Join(dir, nameState)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good = bytes.TrimRight(good, "\x00")
	for _, ruin := range []byte{0x00, 0x7f, 0xff} {
		for page := 0; page*4096 < len(good); page++ {
			bad := append(bytes.Clone(good), make([]byte, 4096)...)
			for i := 8; i < 4096; i++ {
				bad[page*4096+i] = ruin
			}
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			mustOpenOrSay(t, dir, changes)
		}
	}
}

// mustOpenOrSay wants all of the records, or a CorruptError. If the later of the two meta pages is ruined, bbolt falls
// back on the transaction before, which is as good as a crash before the last Commit.
func mustOpenOrSay(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	n, fallen := 0, false
	s, err := Open(Config{Dir: dir})
	if err == nil {
		fallen = s.Recovered().Base == nil
		err = s.State(func(_, _ []byte) error { n++; return nil })
		err = errors.Join(err, s.Commit(Checkpoint{Segment: 2, Changes: map[string][]byte{"key 299": nil, "new": {1}}}))
		s.Close()
	}
	var corrupt *CorruptError
	if err == nil && n != len(want) && !fallen || err != nil && !errors.As(err, &corrupt) {
		t.Errorf("%d records, error %v", n, err)
	}
}

func TestScrubReadsTheLog(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "in an old segment")
	checkpoint(t, s, "the base", "meta", nil)
	put(t, s, "behind the checkpoint")
	if _, err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "in the last segment")
	if report, err := s.Scrub(context.Background(), 0); err != nil || report.Err != nil {
		t.Fatalf("Scrub says %v, %v", report.Err, err)
	}
	for file, text := range map[string]string{
		segmentName(1): "in an old segment", segmentName(2): "behind the checkpoint", baseName(2): "the base",
	} {
		path := filepath.Join(dir, nameLog, file)
		good, _ := os.ReadFile(path)
		flip(t, path, text)
		report, err := s.Scrub(context.Background(), 0)
		var corrupt *CorruptError
		if err != nil || !errors.As(report.Err, &corrupt) || corrupt.Path != path {
			t.Errorf("%s: Scrub says %v, %v", file, report.Err, err)
		}
		os.WriteFile(path, good, 0o600)
	}
}

func TestScrubStopsWithItsContext(t *testing.T) {
	s := open(t, t.TempDir())
	checkpoint(t, s, "base", "meta", map[string][]byte{"key": make([]byte, 1000)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Scrub(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("Scrub says %v", err)
	}
	if s.Stats().Scrubs != 0 {
		t.Fatal("it counts")
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "one")
	checkpoint(t, s, "the base", "meta", map[string][]byte{"key": []byte("the value"), "other": {}})
	put(t, s, "two", "three")
	if _, err := Verify(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("of an open directory, Verify says %v", err)
	}
	s.Close()
	wantReport(t, dir, "segment 2, 2 records, corrupt [], error false, problems []")
	flip(t, filepath.Join(dir, nameState), "the value")
	wantReport(t, dir, `segment 2, 2 records, corrupt ["key"], error false, problems []`)
	flip(t, filepath.Join(dir, nameLog, segmentName(2)), "two")
	flip(t, filepath.Join(dir, nameLog, baseName(2)), "the base")
	wantReport(t, dir, `segment 2, 2 records, corrupt ["key"], error false, problems ["00000002.base" "00000002.log"]`)
	os.Remove(filepath.Join(dir, nameLog, baseName(2)))
	wantReport(t, dir, `segment 2, 2 records, corrupt ["key"], error true, problems ["00000002.log"]`)
	os.Truncate(filepath.Join(dir, nameState), 0)
	wantReport(t, dir, `segment 0, 0 records, corrupt [], error true, problems ["00000002.log"]`)
}

func wantReport(t *testing.T, dir, want string) {
	t.Helper()
	r, err := Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	problems := []string{}
	for _, f := range r.Log {
		if f.Problem != "" {
			problems = append(problems, f.Name)
		}
	}
	got := fmt.Sprintf("segment %d, %d records, corrupt %q, error %t, problems %q", r.Segment, r.Records, r.Corrupt, r.StateError != nil, problems)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
