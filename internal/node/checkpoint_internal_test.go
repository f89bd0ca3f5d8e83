package node

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

// flaky is a disk on which what is asked for fails for as long as it is told to.
type flaky struct {
	Disk // nil: what is not below is not asked for

	appending         error
	rotated, appended int

	mu         sync.Mutex
	committing error              // guarded by mu
	commits    int                // asked for; guarded by mu
	committed  []store.Checkpoint // guarded by mu
	takes      time.Duration      // what Commit takes
}

func (f *flaky) Recovered() store.Recovered { return store.Recovered{} }

func (f *flaky) Append(records []store.Record, _ bool) error {
	if f.appending == nil {
		f.appended += len(records)
	}
	return f.appending
}

func (f *flaky) Rotate() (uint64, error) {
	f.rotated++
	return uint64(f.rotated), nil
}

func (f *flaky) Damaged() bool { return false }

func (f *flaky) Commit(c store.Checkpoint) error {
	time.Sleep(f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commits++; f.committing == nil {
		f.committed = append(f.committed, c)
	}
	return f.committing
}

// look returns how often Commit was called, and what it was given that it took; from now on it fails with that error.
func (f *flaky) look(from error) (commits int, committed []store.Checkpoint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.committing = from
	return f.commits, f.committed
}

// sealed returns an event of the node's.
func sealed(t testing.TB, n *Node, seq uint64) *event.Event {
	t.Helper()
	e := &event.Event{Seq: 1, BirthRound: seq}
	if err := e.Seal(n.cfg.Domain); err != nil {
		t.Fatal(err)
	}
	return e
}

// readyWith is what the driver has after a round with a snapshot.
func readyWith(t testing.TB, n *Node, round uint64) *driver.Ready {
	snapshot := driver.Snapshot{Snapshot: consensus.Snapshot{Round: round}}
	return &driver.Ready{
		Persist:   []*event.Event{sealed(t, n, round)},
		Ordered:   []consensus.Round{{Number: round - 1}, {Number: round}},
		Snapshots: []driver.Snapshot{snapshot},
	}
}

// TestSegmentOfACheckpoint: it is begun before what comes with the snapshot is written, once however often that fails, and
// never without anything that comes into it.
func TestSegmentOfACheckpoint(t *testing.T) {
	disk := &flaky{appending: errors.New("full")}
	n := newTestNode(t, 1, func(c *Config) { c.Disk = disk })
	l := newLoop(n, nil)
	r := readyWith(t, n, 32)
	for range 3 {
		if err := l.persist(r); err == nil {
			t.Fatal("the disk is full, and that is no error")
		}
	}
	disk.appending = nil
	if err := l.persist(r); err != nil || disk.rotated != 1 || disk.appended != 1 {
		t.Fatalf("%v; %d segments begun, %d events written", err, disk.rotated, disk.appended)
	}
	list := stages(r, l.segment)
	if list[0].snapshot != nil || list[1].snapshot == nil || list[1].segment != 1 {
		t.Errorf("the segment belongs to %+v", list)
	}
	l.segment = 0
	n.checkpointing.Store(false)
	l.checkpointed = 0
	empty := readyWith(t, n, 64)
	empty.Persist = nil
	if err := l.persist(empty); err != nil || l.segment != 0 {
		t.Errorf("%v; segment %d was begun with nothing to come into it", err, l.segment)
	}
}

// TestStagesOfManySnapshots: the segment leads on from the last one alone.
func TestStagesOfManySnapshots(t *testing.T) {
	r := &driver.Ready{}
	for round := uint64(30); round <= 70; round++ {
		r.Ordered = append(r.Ordered, consensus.Round{Number: round})
		if round%32 == 0 {
			r.Snapshots = append(r.Snapshots, driver.Snapshot{Snapshot: consensus.Snapshot{Round: round}})
		}
	}
	for _, s := range stages(r, 9) {
		if (s.snapshot != nil) != (s.Number%32 == 0) || (s.segment == 9) != (s.Number == 64) {
			t.Errorf("round %d: snapshot %v, segment %d", s.Number, s.snapshot != nil, s.segment)
		}
	}
}

// TestCheckpointsTakeAPartOfTheTime: the longer they take, the rarer they are, within bounds.
func TestCheckpointsTakeAPartOfTheTime(t *testing.T) {
	for _, x := range []struct{ takes, pause time.Duration }{
		{time.Millisecond, time.Second}, {300 * time.Millisecond, 3 * time.Second}, {time.Minute, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newTestNode(t, 1, func(c *Config) { c.Disk = &flaky{takes: x.takes} })
			l := newLoop(n, nil)
			c := &checkpointer{node: n}
			if !c.write(t.Context(), &job{segment: 1, base: &driver.Snapshot{}}) {
				t.Fatal("the disk is well")
			}
			l.checkpointed = n.cfg.Now()
			time.Sleep(x.pause - time.Millisecond)
			early, _ := l.rotate(readyWith(t, n, 32))
			time.Sleep(time.Millisecond)
			if due, _ := l.rotate(readyWith(t, n, 64)); early != 0 || due == 0 {
				t.Errorf("one took %v: the next is begun before %v: %v, and then: %v", x.takes, x.pause, early != 0, due != 0)
			}
		})
	}
}

// TestFailingCheckpointIsTriedAgain: nothing of it is lost, no other is begun, and the log does not grow without end.
func TestFailingCheckpointIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		disk := &flaky{committing: full}
		n := newTestNode(t, 1, func(c *Config) { c.Disk = disk })
		l := newLoop(n, nil)
		c := &checkpointer{node: n, jobs: make(chan job, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { c.run(ctx) })
		n.checkpointing.Store(true)
		c.jobs <- job{segment: 1, base: &driver.Snapshot{}, changes: map[string][]byte{"key": []byte("value")}}
		time.Sleep(10*retryCheckpoint + retryCheckpoint/2)
		if tried, _ := disk.look(full); tried < 10 || tried > 12 || !n.checkpointing.Load() {
			t.Errorf("tried %d times", tried)
		}
		if l.logged = unkeptBytes - 1; l.persist(readyWith(t, n, 32)) != nil {
			t.Error("the log may grow for a while")
		}
		if l.logged = unkeptBytes; l.persist(readyWith(t, n, 64)) == nil {
			t.Error("the log grows without end")
		}
		disk.look(nil)
		time.Sleep(2 * retryCheckpoint)
		_, committed := disk.look(nil)
		if len(committed) != 1 || string(committed[0].Changes["key"]) != "value" || n.checkpointing.Load() {
			t.Errorf("committed: %+v", committed)
		}
		if err := l.persist(readyWith(t, n, 96)); err != nil {
			t.Errorf("the disk is well again: %v", err)
		}
		cancel()
		all.Wait()
	})
}

// TestDamagedStateEndsTheNode: it takes no checkpoint any more, and peers have it; where none may fail it goes on.
func TestDamagedStateEndsTheNode(t *testing.T) {
	for members, fatal := range map[int]bool{1: false, 3: false, 4: true} {
		n := newTestNode(t, members, nil)
		(&checkpointer{node: n}).failed(&store.CorruptError{Path: "state.db", What: "a page"})
		select {
		case err := <-n.fatal:
			if damage := (*store.CorruptError)(nil); !fatal || !errors.As(err, &damage) {
				t.Errorf("of %d members: %v", members, err)
			}
		default:
			if fatal {
				t.Errorf("of %d members the node goes on", members)
			}
		}
	}
}

// TestServedViewIsClosedOnce: however those who use it and what takes its place meet.
func TestServedViewIsClosedOnce(t *testing.T) {
	disk, err := store.Open(store.Config{Dir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	checkpointed(t, disk, 1, map[string][]byte{"key": []byte("value")}).Close()
	var s served
	var all sync.WaitGroup
	use := func(c *certified) {
		if err := c.Records(nil, func(_, _ []byte) error { return nil }); err != nil {
			t.Error(err)
		}
		s.release(c)
	}
	for range 4 {
		all.Go(func() {
			for range 200 {
				v, err := disk.View()
				if err != nil {
					t.Error(err)
					return
				}
				c := &certified{View: v}
				s.put(1, c)
				use(c)
				if c := s.get(c.digest); c != nil {
					use(c)
				}
				s.expire(time.Now().Add(2 * servedFor))
			}
		})
	}
	all.Wait()
	s.close()
	if v, err := disk.View(); err != nil {
		t.Error(err)
	} else {
		c := &certified{View: v}
		s.put(1, c) // it is not kept, and its only user is the one here
		s.release(c)
	}
	if err := disk.Close(); err != nil { // waits for every view
		t.Fatal(err)
	}
}

// TestServedViewIsLetGoOf by itself: where the file of the state has to be mapped anew to grow, the next checkpoint waits until no
// view is open.
func TestServedViewIsLetGoOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, err := store.Open(store.Config{Dir: filepath.Join(t.TempDir(), "data")})
		if err != nil {
			t.Fatal(err)
		}
		var s served
		c := &certified{View: checkpointed(t, disk, 1, nil)}
		s.put(1, c)
		s.release(c)
		time.Sleep(servedFor)
		synctest.Wait()
		if s.get(c.digest) != nil {
			t.Error("it is kept")
		}
		if err := disk.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestStopWhileRestoring: a log that takes an hour to read does not keep a node from stopping.
func TestStopWhileRestoring(t *testing.T) {
	n := newTestNode(t, 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	disk := &longLog{event: sealed(t, n, 1).Append(nil), stop: cancel}
	n.cfg.Disk = disk
	var asked sync.WaitGroup
	asked.Go(func() {
		if err := n.Do(func(*replica.Machine) { t.Error("it was run on a machine that is not there yet") }); !errors.Is(err, ErrStopped) {
			t.Errorf("Do returns %v", err)
		}
	})
	if err := n.Run(ctx, nil, nil); err != nil || disk.read > 200 {
		t.Errorf("%v, after %d records", err, disk.read)
	}
	if n.Restored() {
		t.Error("it says that it has read all")
	}
	asked.Wait()
}

// longLog is a disk with a log that has no end; somebody stops the node when it has read 100 records.
type longLog struct {
	Disk
	event []byte
	stop  func()
	read  int
}

func (l *longLog) Recovered() store.Recovered { return store.Recovered{} }

func (l *longLog) Replay(f func(record []byte) error) error {
	for ; ; l.read++ {
		if l.read == 100 {
			l.stop()
		}
		if err := f(l.event); err != nil {
			return err
		}
	}
}
