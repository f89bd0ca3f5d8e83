package node

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/store"
)

// checkpointed makes a checkpoint with those changes, behind a record of that byte, and returns it.
func checkpointed(t *testing.T, disk *store.Store, record byte, changes map[string][]byte) *store.View {
	t.Helper()
	segment, err := disk.Rotate()
	if err == nil {
		err = disk.Append(store.Records([]byte{record}), true)
	}
	if err == nil {
		err = disk.Commit(store.Checkpoint{Segment: segment, Base: []byte{1}, Meta: []byte{1}, Changes: changes})
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := disk.View()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// tailOf makes a checkpoint and returns the log behind it.
func tailOf(t *testing.T, disk *store.Store, birth uint64) *tail {
	t.Helper()
	v := checkpointed(t, disk, byte(birth), nil)
	defer v.Close()
	kept, err := v.Tail()
	if err != nil {
		t.Fatal(err)
	}
	return &tail{Tail: kept, birth: birth}
}

// gone reports whether a tail was let go of.
func gone(t *testing.T, of *tail) bool {
	t.Helper()
	err := of.Records(func([]byte) error { return nil })
	if err != nil && !errors.Is(err, store.ErrLetGo) {
		t.Fatal(err)
	}
	return err != nil
}

// TestTails: the last log of each peer is kept, until it was not read for long, and the shortest that will do is read.
func TestTails(t *testing.T) {
	disk, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	var s tails
	a, b, c := tailOf(t, disk, 10), tailOf(t, disk, 20), tailOf(t, disk, 30)
	s.put(1, a)
	s.put(2, b)
	s.put(1, c)
	if !gone(t, a) {
		t.Error("more than one is kept for a peer")
	}
	if s.get(19) != nil {
		t.Error("one is read in which something is missing")
	}
	if got := s.get(29); got != b {
		t.Fatalf("%+v", got)
	}
	late := time.Now().Add(2 * tailKept)
	s.expire(late)
	if gone(t, b) || !gone(t, c) || s.get(99) != b {
		t.Error("the one that is read has been let go of, or the other one has not")
	}
	s.release(b)
	s.release(b)
	s.expire(time.Now())
	if gone(t, b) {
		t.Error("it is let go of at once")
	}
	s.expire(late)
	if !gone(t, b) {
		t.Error("it is kept for ever")
	}
	d, e := tailOf(t, disk, 40), tailOf(t, disk, 50)
	s.put(3, d)
	s.close()
	s.put(3, e)
	if !gone(t, d) || !gone(t, e) || s.get(99) != nil {
		t.Error("something is kept when nobody is served any more")
	}
}

// TestTailOfARestoringNode: who asks for a log before this node has read its own is no reader of it for ever.
func TestTailOfARestoringNode(t *testing.T) {
	disk, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	n := newTestNode(t, 4, func(cfg *Config) { cfg.Disk = disk })
	kept := tailOf(t, disk, 10)
	n.tails.put(1, kept)
	if err := n.Serve(t.Context(), 1, (&logRequest{birth: 20}).append(nil), io.Discard); err == nil {
		t.Fatal("it is served")
	}
	n.tails.expire(time.Now().Add(2 * tailKept))
	if !gone(t, kept) {
		t.Error("the log is kept for ever")
	}
}

// TestTailThatIsRead: a log that somebody reads stays although the peer for which it was kept is offered another one.
func TestTailThatIsRead(t *testing.T) {
	disk, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	var s tails
	s.put(1, tailOf(t, disk, 10))
	reading := s.get(15) // by peer 2
	s.put(1, tailOf(t, disk, 20))
	if gone(t, reading) {
		t.Error("it is let go of while it is read")
	}
	s.release(reading)
	if !gone(t, reading) {
		t.Error("it is kept for ever")
	}
}
