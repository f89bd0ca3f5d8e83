package driver

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// TestAnchorsAgree shows that nodes have one anchor for each round, and adopt the snapshots of any other.
func TestAnchorsAgree(t *testing.T) {
	cfg := Config{Members: 4, Engine: consensus.Config{SnapshotEvery: 2, RoundsKept: 5}}
	c := startClusterWith(t, cfg, 10*ms)
	anchors := map[uint64][32]byte{}
	compared := 0
	for _, n := range c.nodes {
		n.told = func(r Ready) {
			for i := range r.Snapshots {
				s := &r.Snapshots[i]
				if err := s.Check(4); err != nil {
					t.Fatal(err)
				}
				a, known := anchors[s.Round]
				if anchors[s.Round] = s.Anchor(); known && a != anchors[s.Round] {
					t.Errorf("two anchors of round %d", s.Round)
				}
				if known {
					compared++
				}
			}
		}
	}
	for i := range 80 {
		c.cut[3] = i%20 >= 15
		c.submit(i%4, 1)
		c.run(7 * ms)
	}
	if compared < 20 {
		t.Errorf("%d snapshots compared", compared)
	}
}

// served returns a snapshot as a peer hands it out, of the middle of a diary: with an event that is no ancestor of a
// judge, and with a Last.
func served(t testing.TB) Snapshot {
	d := keepDiary(t)
	for _, r := range d.ready[len(d.ready)/2:] {
		for _, s := range r.Snapshots {
			if len(s.Common()) < len(s.Events) {
				old := makeEvent(t, event.Event{Creator: 2, Seq: 1, BirthRound: 1, Time: 1})
				s.AddLast(old)
				return s
			}
		}
	}
	t.Fatal("no snapshot has more than the ancestors of its judges")
	return Snapshot{}
}

// A lie about a snapshot is found, or makes no difference to who adopts it.
func TestLiesAboutASnapshot(t *testing.T) {
	honest := served(t)
	anchor := honest.Anchor()
	want, err := honest.Adopt(4, anchor)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Events) == len(honest.Events) || len(want.Last) != 1 {
		t.Fatalf("%d of %d events are certified, and %d last ones", len(want.Events), len(honest.Events), len(want.Last))
	}
	judge := slices.IndexFunc(honest.Events, func(e *event.Event) bool { return e.ID() == honest.Judges[0] })
	stranger := makeEvent(t, event.Event{Creator: 9, Seq: 1, BirthRound: honest.Round, Time: 1})
	extra := makeEvent(t, event.Event{Creator: 3, Seq: 1, BirthRound: honest.Round, Time: 1})
	old := makeEvent(t, event.Event{Creator: 3, Seq: 1, BirthRound: 1, Time: 1})
	for name, c := range map[string]struct {
		lie      func(s *Snapshot)
		harmless bool
	}{
		"round":             {func(s *Snapshot) { s.Round++ }, false},
		"round 0":           {func(s *Snapshot) { s.Round = 0 }, false},
		"time":              {func(s *Snapshot) { s.Time++ }, false},
		"negative time":     {func(s *Snapshot) { s.Time = -1 }, false},
		"births":            {func(s *Snapshot) { s.Births = s.Births[1:] }, false},
		"no births":         {func(s *Snapshot) { s.Births = nil }, false},
		"births fall":       {func(s *Snapshot) { slices.Reverse(s.Births) }, false},
		"thresholds":        {func(s *Snapshot) { s.Thresholds[0]-- }, false},
		"no thresholds":     {func(s *Snapshot) { s.Thresholds = nil }, false},
		"judges":            {func(s *Snapshot) { s.Judges = s.Judges[1:] }, false},
		"no judges":         {func(s *Snapshot) { s.Judges = nil }, false},
		"judges' order":     {func(s *Snapshot) { slices.Reverse(s.Judges) }, false},
		"a judge missing":   {func(s *Snapshot) { s.Events = slices.Delete(s.Events, judge, judge+1) }, false},
		"an ancestor":       {func(s *Snapshot) { s.Events = s.Events[1:] }, false},
		"no events":         {func(s *Snapshot) { s.Events = nil }, false},
		"children first":    {func(s *Snapshot) { slices.Reverse(s.Events) }, false},
		"one twice":         {func(s *Snapshot) { s.Events = append(s.Events, s.Events[0]) }, false},
		"an ancient one":    {func(s *Snapshot) { s.Events = append(s.Events, old) }, false},
		"a stranger's":      {func(s *Snapshot) { s.Events = append(s.Events, stranger) }, false},
		"a stranger's last": {func(s *Snapshot) { s.Last = append(s.Last, stranger) }, false},
		"two last ones":     {func(s *Snapshot) { s.Last = append(s.Last, s.Last[0]) }, false},
		"gaps of nothing":   {func(s *Snapshot) { s.Gaps = append(s.Gaps, 1) }, false},
		"an extra one":      {func(s *Snapshot) { s.Events = append(s.Events, extra) }, true},
		"gaps":              {func(s *Snapshot) { s.Gaps[0] = 77 }, true},
		"no gaps":           {func(s *Snapshot) { s.Gaps = nil }, true},
		"a last one of now": {func(s *Snapshot) { s.Last = append(s.Last, extra) }, true},
	} {
		s := honest
		s.Births, s.Thresholds = slices.Clone(s.Births), slices.Clone(s.Thresholds)
		s.Judges, s.Events = slices.Clone(s.Judges), slices.Clone(s.Events)
		s.Gaps, s.Last = slices.Clone(s.Gaps), slices.Clone(s.Last)
		c.lie(&s)
		switch got, err := s.Adopt(4, anchor); {
		case !c.harmless && !errors.Is(err, ErrSnapshot):
			t.Errorf("%s: %v", name, err)
		case c.harmless && (err != nil || !bytes.Equal(got.Append(nil), want.Append(nil))):
			t.Errorf("%s makes a difference: %v", name, err)
		}
	}
}

func TestAddLast(t *testing.T) {
	s := &Snapshot{}
	for _, e := range []event.Event{{Creator: 2, Seq: 1}, {Creator: 0, Seq: 1}, {Creator: 2, Seq: 2}, {Creator: 2, Seq: 1}} {
		s.AddLast(&e)
	}
	if len(s.Last) != 2 || s.Last[0].Creator != 0 || s.Last[1].Seq != 2 {
		t.Errorf("%+v", s.Last)
	}
}

func TestASnapshotSurvivesTheWire(t *testing.T) {
	s := served(t)
	whole := s.Append(nil)
	got, err := DecodeSnapshot(whole, event.Domain{})
	if err != nil || !bytes.Equal(got.Append(nil), whole) || got.Anchor() != s.Anchor() ||
		!slices.Equal(got.Gaps, s.Gaps) || len(got.Last) != len(s.Last) {
		t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, s)
	}
	for n := 0; n < len(whole); n += 1 + n/8 {
		if _, err := DecodeSnapshot(whole[:n], event.Domain{}); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	if _, err := DecodeSnapshot(append(whole, 0), event.Domain{}); !errors.Is(err, ErrSnapshot) {
		t.Fatalf("a byte too many: %v", err)
	}
	n := 0
	if err := s.EachEvent(func(*event.Event) error { n++; return nil }); err != nil || n != len(s.Events)+len(s.Last) {
		t.Errorf("%d events, %v", n, err)
	}
}

// An encoding is canonical: what decodes encodes to the same bytes. And whatever it is, looking at it does no harm: it
// is refused, or a driver can be restored from it.
func FuzzDecodeSnapshot(f *testing.F) {
	l := live(4) // small, or the fuzzer is slow
	f.Add(l.taken.Append(nil))
	f.Add((&Snapshot{}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSnapshot(b, event.Domain{})
		if err != nil {
			return
		}
		if again := s.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes and encodes to %x", b, again)
		}
		members := max(1, len(s.Judges))
		c, err := s.Adopt(members, s.Anchor())
		if err != nil {
			return
		}
		if _, err := Restore(Config{Members: members, Source: &load{}}, *c, 0); err != nil {
			t.Fatal(err)
		}
	})
}
