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
