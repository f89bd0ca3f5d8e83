package driver

import (
	"reflect"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// diary is what one node of a cluster was ready for, one after another.
type diary struct {
	cfg   Config
	ready []Ready
	end   Snapshot // of the node after all that
}

// keepDiary lets a cluster work, of which the first node is cut off at times: when it is back, one message may decide
// several rounds for it. Each round comes with a snapshot.
func keepDiary(t testing.TB) diary {
	d := diary{cfg: Config{Members: 4, Engine: consensus.Config{SnapshotEvery: 1, RoundsKept: 5}}}
	c := startClusterWith(t, d.cfg, 10*ms)
	c.nodes[0].told = func(r Ready) { d.ready = append(d.ready, r) }
	for i := range 60 {
		c.cut[0] = i%20 >= 15
		c.submit(i%4, 1)
		c.run(30 * ms)
	}
	d.end = c.nodes[0].Snapshot()
	return d
}

// after returns the events written from the i-th Ready on, and the rounds above number ordered then.
func (d *diary) after(i int, number uint64) (log []*event.Event, rounds []consensus.Round) {
	for _, r := range d.ready[i:] {
		log = append(log, r.Persist...)
		for _, o := range r.Ordered {
			if o.Number > number {
				rounds = append(rounds, o)
			}
		}
	}
	return log, rounds
}

// A log that begins at the Ready in which a round was decided leads on from the snapshot of that round, also when that
// Ready had several.
func TestReplayFromARoundsSnapshot(t *testing.T) {
	d := keepDiary(t)
	several, taken := 0, 0
	for i, r := range d.ready {
		several += max(0, len(r.Snapshots)-1)
		if len(r.Snapshots) != len(r.Ordered) {
			t.Fatalf("%d rounds come with %d snapshots", len(r.Ordered), len(r.Snapshots))
		}
		for k := range r.Snapshots {
			taken++
			s := &r.Snapshots[k]
			if s.Round != r.Ordered[k].Number {
				t.Fatalf("round %d comes with the snapshot of %d", r.Ordered[k].Number, s.Round)
			}
			log, want := d.after(i, s.Round)
			got, end := d.again(t, s, log)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("from round %d on it orders %v, not %v, or others", s.Round, numbers(got), numbers(want))
			}
			if !reflect.DeepEqual(end.Snapshot, d.end.Snapshot) || !slices.Equal(end.Thresholds, d.end.Thresholds) {
				t.Fatalf("from round %d on it ends elsewhere", s.Round)
			}
		}
	}
	if several == 0 || taken < 40 {
		t.Errorf("%d snapshots, %d beside others", taken, several)
	}
}

// again restores a driver from the snapshot and lets it read the log.
func (d *diary) again(t *testing.T, s *Snapshot, log []*event.Event) (rounds []consensus.Round, end Snapshot) {
	n := &node{}
	var err error
	d.cfg.Source = &n.load
	if n.Driver, err = Restore(d.cfg, *s, 1e12); err != nil {
		t.Fatal(err)
	}
	rounds, wrote := replay(n, log)
	if wrote > 0 {
		t.Errorf("it wrote %d events again", wrote)
	}
	return append(rounds, n.settle().Ordered...), n.Snapshot()
}
