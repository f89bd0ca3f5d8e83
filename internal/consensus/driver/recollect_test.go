package driver

import (
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// recollected returns a node that goes on from the last snapshot of a diary and has got back all that was written
// before, and that log.
func recollected(t *testing.T, limits Limits) (*node, []*event.Event) {
	d := keepDiary(t)
	last := len(d.ready) - 1
	for len(d.ready[last].Snapshots) == 0 {
		last--
	}
	var older []*event.Event
	for _, r := range d.ready[:last] {
		older = append(older, r.Persist...)
	}
	n := &node{}
	cfg := d.cfg
	cfg.Source, cfg.Limits = &n.load, limits
	var err error
	if n.Driver, err = Restore(cfg, d.ready[last].Snapshots[0], 1e12); err != nil {
		t.Fatal(err)
	}
	log, _ := d.after(last, 0)
	replay(n, log)
	before := n.Snapshot()
	n.Recollect(older)
	if r := n.settle(); len(r.Persist)+len(r.Ordered)+len(r.Send) > 0 {
		t.Errorf("to recollect has consequences: %+v", r)
	}
	if after := n.Snapshot(); after.Anchor() != before.Anchor() || len(after.Last) != len(before.Last) {
		t.Error("to recollect changes the snapshot")
	}
	return n, older
}

// A peer that lags asks for what is older than the snapshot.
func TestRecollectedEventsAreHandedOut(t *testing.T) {
	n, older := recollected(t, Limits{})
	n.Connected(1, 1e12)
	n.settle()
	middle := older[200]
	n.Receive(1, &event.Message{Want: []event.ID{middle.ID()}}, 1e12)
	n.settle()
	seen := map[event.ID]bool{}
	for _, s := range n.said {
		for _, e := range s.Message.Events {
			for _, p := range e.Parents {
				if !seen[p.ID] {
					t.Fatalf("event %d of %d comes before its parent %d of %d", e.Seq, e.Creator, p.Seq, p.Creator)
				}
			}
			seen[e.ID()] = true
		}
	}
	if !seen[middle.ID()] || len(seen) < 20 {
		t.Errorf("%d events were handed out", len(seen))
	}
}

// The oldest give way.
func TestRecollectKeepsToItsLimits(t *testing.T) {
	n, older := recollected(t, Limits{KeptEvents: 10})
	if s := n.Status(); s.Kept > n.Engine().Held()+10+4 {
		t.Errorf("%d events are held, %d of them not ancient", s.Kept, n.Engine().Held())
	}
	if n.window.byID[older[0].ID()] != nil {
		t.Error("the oldest event is held")
	}
}
