package session_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/session"
)

func numbered(name string, number uint64) session.Entry[string] {
	e := entry(name)
	e.Number, e.Numbered, e.Free = number, true, true
	return e
}

// lasting returns a lasting session that holds the entries.
func lasting(t *testing.T, limits session.Limits, entries ...session.Entry[string]) *session.Session[string] {
	t.Helper()
	s := session.NewLasting[string](limits, 0)
	for _, e := range entries {
		if v := s.Push(e); v != session.Queued {
			t.Fatalf("push %s: verdict %d", e.Message, v)
		}
	}
	return s
}

func TestDeliveryNumbersGivePacketIdentifiers(t *testing.T) {
	s := lasting(t, small(), numbered("a1", 65534), entry("b0"), numbered("c1", 65535))
	names, ids := popped(s)
	equal(t, "order", names, []string{"a1", "b0", "c1"})
	if !slices.Equal(ids, []uint16{65535, 1}) {
		t.Fatalf("identifiers %v", ids)
	}
}

func TestAnIdentifierIsFreeWhenItsCompletionIsOrdered(t *testing.T) {
	const first, next = 10, 10 + 65535
	s := lasting(t, small(), numbered("a1", first), numbered("b1", next))
	names, ids := popped(s)
	equal(t, "one identifier", names, []string{"a1"})
	if err := s.PubAck(ids[0]); err != nil {
		t.Fatal(err)
	}
	names, _ = popped(s)
	equal(t, "acknowledged", names, nil)
	s.Reported(s.Report())
	names, again := popped(s)
	equal(t, "ordered", names, []string{"b1"})
	if !slices.Equal(ids, again) {
		t.Fatalf("identifiers %v, then %v", ids, again)
	}
}

func TestTheOldestMessageHoldsUpANumberTooFarAhead(t *testing.T) {
	s := lasting(t, small(), numbered("a1", 1), numbered("b1", 2), numbered("c1", 1+65534), numbered("d1", 1+65535))
	_, ids := popped(s)
	if err := s.PubAck(ids[1]); err != nil {
		t.Fatal(err)
	}
	s.Reported(s.Report())
	names, _ := popped(s)
	equal(t, "as far as it goes", names, []string{"c1"})
	if err := s.PubAck(ids[0]); err != nil {
		t.Fatal(err)
	}
	s.Reported(s.Report())
	names, _ = popped(s)
	equal(t, "without the oldest", names, []string{"d1"})
}

func TestPubRecIsOrderedBeforePubRel(t *testing.T) {
	s := lasting(t, small(), numbered("a2", 0))
	_, ids := popped(s)
	next := func(want session.Receipt) {
		t.Helper()
		if got, err := s.PubRec(ids[0], false); got != want || err != nil {
			t.Fatalf("PUBREC: %d, %v, want %d", got, err, want)
		}
	}
	next(session.Record)
	next(session.Done)
	if !errors.Is(s.PubComp(ids[0]), session.ErrWrongAck) {
		t.Fatal("PUBCOMP before PUBREL")
	}
	report := s.Report()
	if !slices.Equal(report.Received, []uint64{0}) || len(report.Done) > 0 {
		t.Fatalf("report: %+v", report)
	}
	if release := s.Reported(report); !slices.Equal(release, ids) {
		t.Fatalf("released: %v, want %v", release, ids)
	}
	next(session.Release)
	if err := s.PubComp(ids[0]); err != nil {
		t.Fatal(err)
	}
	if got := s.Report(); !slices.Equal(got.Done, []uint64{0}) || len(got.Received) > 0 {
		t.Fatalf("report: %+v", got)
	}
	if !errors.Is(s.PubComp(ids[0]), session.ErrUnknownID) {
		t.Fatal("PUBCOMP twice")
	}
}

func TestAReleaseThatIsSentAgainTakesAPlaceInTheWindow(t *testing.T) {
	release, again := numbered("a2", 7), numbered("b1", 8)
	release.Received, again.Again = true, true
	limits := small()
	limits.Send = 1
	s := lasting(t, limits, release, again)
	names, ids := popped(s)
	equal(t, "first", names, []string{"a2"})
	if err := s.PubComp(ids[0]); err != nil {
		t.Fatal(err)
	}
	names, _ = popped(s)
	equal(t, "then", names, []string{"b1"})
}

func TestWhatIsNotSentIsFinished(t *testing.T) {
	expired, large, begun := numbered("a1", 3), numbered("b2", 5), numbered("c1", 6)
	expired.Expires, large.Withheld, begun.Expires, begun.Again = 1, true, 1, true
	s := lasting(t, small(), expired, large, begun)
	for range 2 {
		if e, ok := s.Pop(1); !ok || e.PacketID != 0 {
			t.Fatalf("got %+v, %v", e, ok)
		}
	}
	if done, urgent := s.Unreported(); done != 2 || !urgent {
		t.Fatalf("%d unreported, urgent %v", done, urgent)
	}
	if s.Ready(1) {
		t.Fatal("a message overtakes what the next connection may still send")
	}
	report := s.Report()
	if !slices.Equal(report.Done, []uint64{3, 5}) {
		t.Fatalf("report: %+v", report)
	}
	if done, urgent := s.Unreported(); done != 0 || urgent {
		t.Fatalf("%d unreported, urgent %v", done, urgent)
	}
	s.Reported(report)
	if e, ok := s.Pop(1); !ok || e.PacketID != session.PacketID(6) {
		t.Fatalf("got %+v, %v", e, ok)
	}
}

func TestFreeEntriesDoNotCount(t *testing.T) {
	limits := small()
	limits.QueueMessages = 1
	s := lasting(t, limits, entry("a0"))
	for number := range uint64(3) {
		if v := s.Push(numbered("b1", number)); v != session.Queued {
			t.Fatalf("verdict %d", v)
		}
	}
	if v := s.Push(entry("c0")); v != session.Dropped {
		t.Fatalf("verdict %d", v)
	}
	popped(s)
	if v := s.Push(entry("d0")); v != session.Queued {
		t.Fatalf("verdict %d", v)
	}
}

func TestALocalSessionReportsWhatHasANumber(t *testing.T) {
	large := numbered("d2", 9)
	large.Withheld = true
	s := session.New[string](session.Limits{Send: 10, QueueMessages: 10, QueueBytes: 1000})
	for _, e := range []session.Entry[string]{entry("a1"), numbered("b2", 5), numbered("c1", 3), large} {
		s.Push(e)
	}
	_, ids := popped(s)
	if !slices.Equal(ids, []uint16{1, 2, 3}) {
		t.Fatalf("identifiers %v: they are the session's own choice", ids)
	}
	if next, err := s.PubRec(2, false); next != session.Release || err != nil {
		t.Fatal("PUBREL waits for nothing", next, err)
	}
	for _, err := range []error{s.PubAck(1), s.PubComp(2), s.PubAck(3)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	report := s.Report()
	if !slices.Equal(report.Done, []uint64{3, 5, 9}) || len(report.Received) > 0 {
		t.Fatalf("report: %+v", report)
	}
	if release := s.Reported(report); release != nil {
		t.Fatalf("released: %v", release)
	}
}

func TestWhatWaitsForTheWindowIsUnsent(t *testing.T) {
	limits := small()
	limits.Send = 2
	s := lasting(t, limits, numbered("a1", 5), numbered("b1", 6), numbered("c1", 8))
	popped(s)
	if got := s.Unsent(); got != 7 {
		t.Fatalf("unsent from %d on, want 7", got)
	}
	if got := session.NewLasting[string](limits, 9).Unsent(); got != 9 {
		t.Fatalf("unsent from %d on, want what earlier connections have left", got)
	}
}
