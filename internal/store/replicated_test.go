package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDamageWithoutPeers: what nobody else has is not touched. A log that is damaged in its middle opens neither the first
// time nor the second, and is cut only where others have the rest.
func TestDamageWithoutPeers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, record := range []string{"first", "second", "third"} {
		if err := s.Append(Records([]byte(record)), true); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	path := filepath.Join(dir, nameLog, segmentName(1))
	flip(t, path, "second")
	damaged, _ := os.ReadFile(path)
	for range 2 {
		var corrupt *CorruptError
		if _, err := Open(Config{Dir: dir}); !errors.As(err, &corrupt) {
			t.Fatalf("it opens with %v", err)
		}
		if now, _ := os.ReadFile(path); string(now) != string(damaged) {
			t.Fatal("it was changed")
		}
	}
	s, err := Open(Config{Dir: dir, Replicated: true})
	if err != nil || s.Recovered().Corrupt == nil {
		t.Fatalf("with peers: %v", err)
	}
	var got []string
	if err := s.Replay(func(r []byte) error { got = append(got, string(r)); return nil }); err != nil || len(got) != 1 {
		t.Errorf("it holds %q, %v", got, err)
	}
	s.Close()
}

// TestScrubEndsRun: a damaged state ends Run where that is asked for; a damaged log does not.
func TestScrubEndsRun(t *testing.T) {
	for _, stop := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir)
		checkpoint(t, s, "the base", "meta", map[string][]byte{"key": []byte("the value")})
		s.Close()
		flip(t, filepath.Join(dir, nameState), "the value")
		s, err := Open(Config{Dir: dir, StopOnDamage: stop, ScrubInterval: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		if !stop {
			for s.Stats().Scrubs < 3 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}
		var corrupt *CorruptError
		if err := <-ended; errors.As(err, &corrupt) != stop {
			t.Errorf("stop on damage %v: Run ends with %v", stop, err)
		}
		cancel()
		s.Close()
	}
	log := ScrubReport{Err: &CorruptError{Path: "log/00000001.log", Segment: 1}}
	if damage := log.state("state.db"); damage != nil {
		t.Errorf("damage of the log is taken for %v", damage)
	}
}
