package store

import (
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// TestRotateLeavesTheBase opens a log of which nothing is there behind its checkpoint, as after a loss of power or an
// install. The next checkpoint is of another segment: its base must not take the place of the one that counts until
// it is committed.
func TestRotateLeavesTheBase(t *testing.T) {
	for _, sync := range []bool{false, true} {
		cfg := LogConfig{FS: faultfs.New(1), Dir: testDir, Sync: sync}
		l := opened(t, cfg, 0)
		appendAll(t, l, batch(1, 2))
		checkpoint := rotated(t, l)
		if err := l.WriteBase(checkpoint, []byte("first")); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time the segment is there, without a record
			l, found, err := OpenLog(cfg, checkpoint)
			if err != nil || string(found.Base) != "first" {
				t.Fatalf("%q, %v", found.Base, err)
			}
			next := rotated(t, l)
			if next == checkpoint {
				t.Fatal("the next checkpoint is of the same segment")
			}
			if err := l.WriteBase(next, []byte("second")); err != nil {
				t.Fatal(err)
			}
			appendAll(t, l, batch(2, 1))
			expect(t, read(t, 0, opened(t, cfg, checkpoint).Replay), batch(1, 2), batch(2, 1))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if err := cfg.FS.Remove(cfg.path(next)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
