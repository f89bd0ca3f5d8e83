package session_test

import (
	"errors"
	"testing"

	"github.com/foxmq/foxmq/internal/session"
)

// queue returns a session that holds the named messages; the digit behind a name is its quality of service.
func queue(t *testing.T, limits session.Limits, names ...string) *session.Session[string] {
	t.Helper()
	s := session.New[string](limits)
	for _, name := range names {
		if v := s.Push(entry(name)); v != session.Queued {
			t.Fatalf("push %s: verdict %d", name, v)
		}
	}
	return s
}

func entry(name string) session.Entry[string] {
	return session.Entry[string]{Message: name, QoS: name[len(name)-1] - '0', Size: 10}
}

// popped returns the names of all that may be sent now, and the packet identifiers of those at QoS 1 and 2.
func popped(s *session.Session[string]) (names []string, ids []uint16) {
	for {
		e, ok := s.Pop(0)
		if !ok {
			return names, ids
		}
		names = append(names, e.Message)
		if e.PacketID != 0 {
			ids = append(ids, e.PacketID)
		}
	}
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
}

func small() session.Limits {
	return session.Limits{Send: 2, Receive: 2, QueueMessages: 4, QueueBytes: 1000}
}

func TestNothingOvertakesAMessageThatWaitsForTheWindow(t *testing.T) {
	s := queue(t, small(), "a1", "b2", "c1", "d0")
	names, ids := popped(s)
	equal(t, "a window of two", names, []string{"a1", "b2"})
	if err := s.PubAck(ids[0]); err != nil {
		t.Fatal(err)
	}
	names, _ = popped(s)
	equal(t, "after an acknowledgement", names, []string{"c1", "d0"})
}

func TestQoS2LeavesTheWindowWithPubComp(t *testing.T) {
	limits := small()
	limits.Send = 1
	s := queue(t, limits, "a2", "b1")
	_, ids := popped(s)
	for range 2 { // a client may repeat its PUBREC
		if next, err := s.PubRec(ids[0], false); next != session.Release || err != nil {
			t.Fatal(next, err)
		}
	}
	names, _ := popped(s)
	equal(t, "before PUBCOMP", names, nil)
	if err := s.PubComp(ids[0]); err != nil {
		t.Fatal(err)
	}
	names, _ = popped(s)
	equal(t, "after PUBCOMP", names, []string{"b1"})
}

func TestARefusedQoS2MessageEndsAtPubRec(t *testing.T) {
	s := queue(t, small(), "a2")
	_, ids := popped(s)
	if next, err := s.PubRec(ids[0], true); next != session.Done || err != nil {
		t.Fatal(next, err)
	}
	if !errors.Is(s.PubComp(ids[0]), session.ErrUnknownID) {
		t.Fatal("the message is still in flight")
	}
}

func TestAcknowledgementsThatDoNotFit(t *testing.T) {
	s := queue(t, small(), "a1", "b2")
	_, ids := popped(s)
	pubrec := func(id uint16) error { _, err := s.PubRec(id, false); return err }
	for _, c := range []struct {
		what string
		err  error
		want error
	}{
		{"PUBACK of nothing", s.PubAck(77), session.ErrUnknownID},
		{"PUBREC of nothing", pubrec(77), session.ErrUnknownID},
		{"PUBCOMP of nothing", s.PubComp(77), session.ErrUnknownID},
		{"PUBREC at QoS 1", pubrec(ids[0]), session.ErrWrongAck},
		{"PUBACK at QoS 2", s.PubAck(ids[1]), session.ErrWrongAck},
		{"PUBCOMP before PUBREC", s.PubComp(ids[1]), session.ErrWrongAck},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.err, c.want)
		}
	}
}

func TestAFullQueueDropsQoS0AndOverflowsAbove(t *testing.T) {
	for _, limits := range []session.Limits{
		{Send: 1, QueueMessages: 2, QueueBytes: 1000},
		{Send: 1, QueueMessages: 100, QueueBytes: 25},
	} {
		s := queue(t, limits, "a1", "b1")
		if v := s.Push(entry("c0")); v != session.Dropped {
			t.Errorf("QoS 0: verdict %d", v)
		}
		if v := s.Push(entry("c1")); v != session.Overflow {
			t.Errorf("QoS 1: verdict %d", v)
		}
		if v := s.Push(session.Entry[string]{Mark: true, Size: 10}); v != session.Overflow {
			t.Errorf("mark: verdict %d", v)
		}
		names, _ := popped(s)
		equal(t, "what had been queued", names, []string{"a1"})
	}
}

// A client that subscribes again and again, and reads nothing, does not make what is replayed to it grow for ever.
func TestFreeEntriesAreBoundedToo(t *testing.T) {
	s := queue(t, small())
	free := entry("a0")
	free.Free = true
	for range session.MaxExtra {
		if s.Push(free) != session.Queued {
			t.Fatal("a free entry has no place")
		}
	}
	if v := s.Push(free); v != session.Dropped {
		t.Errorf("one too many: verdict %d", v)
	}
	if _, ok := s.Pop(0); !ok || s.Push(free) != session.Queued {
		t.Error("there is no place for another when one has gone")
	}
	if v := s.Push(entry("b1")); v != session.Queued {
		t.Errorf("a message that counts: verdict %d", v)
	}
}

func TestPrependedEntriesGoFirstAndDoNotCount(t *testing.T) {
	limits := small()
	limits.QueueMessages = 2
	s := queue(t, limits, "a0", "b0")
	s.Prepend([]session.Entry[string]{entry("x0"), entry("y0")})
	s.Prepend([]session.Entry[string]{entry("w0")})
	names, _ := popped(s)
	equal(t, "order", names, []string{"w0", "x0", "y0", "a0", "b0"})
}

func TestAnExpiredMessageTakesNoPacketIdentifier(t *testing.T) {
	limits := small()
	limits.Send = 1
	s := queue(t, limits, "a1")
	late := entry("b1")
	late.Expires = 100
	s.Push(late)
	popped(s)
	if s.Ready(99) {
		t.Fatal("the window is full")
	}
	if e, ok := s.Pop(100); !ok || !e.Expired || e.PacketID != 0 {
		t.Fatalf("got %+v, %v", e, ok)
	}
}

func TestIdentifiersInUseArePassedOver(t *testing.T) {
	const window = 4
	s := session.New[string](session.Limits{Send: window, QueueMessages: 10, QueueBytes: 1000})
	s.Push(entry("straggler1"))
	_, straggler := popped(s)
	inUse := map[uint16]bool{straggler[0]: true}
	for range 1 << 17 { // around the identifiers twice
		s.Push(entry("m1"))
		_, ids := popped(s)
		if len(ids) != 1 || ids[0] == 0 || inUse[ids[0]] {
			t.Fatalf("got identifiers %v while %v are in use", ids, inUse)
		}
		if err := s.PubAck(ids[0]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyInFlightAreAcknowledgedInAnyOrder(t *testing.T) {
	s := session.New[string](session.Limits{Send: 1000, QueueMessages: 1000, QueueBytes: 1 << 20})
	for range 1000 {
		s.Push(entry("m1"))
	}
	_, ids := popped(s)
	for i := range ids { // 7 and 1000 have no common divisor: each comes once
		if err := s.PubAck(ids[i*7%len(ids)]); err != nil {
			t.Fatalf("identifier %d: %v", ids[i*7%len(ids)], err)
		}
	}
	if len(ids) != 1000 || !errors.Is(s.PubAck(ids[0]), session.ErrUnknownID) {
		t.Fatalf("%d were in flight", len(ids))
	}
}

func TestQoS2FromTheClientIsTakenOnce(t *testing.T) {
	s := session.New[string](small())
	arrives := func(want session.Arrival) {
		t.Helper()
		if got, err := s.Receive(7, 2); got != want || err != nil {
			t.Fatalf("got %d, %v, want %d", got, err, want)
		}
	}
	arrives(session.Fresh)
	arrives(session.Pending)
	if !errors.Is(s.Release(7), session.ErrUnknownID) {
		t.Fatal("released before PUBREC")
	}
	s.Answer(7, 2, false)
	arrives(session.Repeated)
	if err := s.Release(7); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(s.Release(7), session.ErrUnknownID) {
		t.Fatal("released twice")
	}
	arrives(session.Fresh)
	s.Answer(7, 2, true)
	arrives(session.Fresh) // a refused PUBLISH leaves no record
}

func TestReceiveMaximum(t *testing.T) {
	s := session.New[string](small())
	receive := func(id uint16, qos byte) error { _, err := s.Receive(id, qos); return err }
	if err := receive(1, 1); err != nil {
		t.Fatal(err)
	}
	if err := receive(2, 2); err != nil {
		t.Fatal(err)
	}
	exceeded := func(err error) bool { return errors.Is(err, session.ErrReceiveMaximum) }
	if !exceeded(receive(3, 1)) || !exceeded(receive(3, 2)) {
		t.Fatal("a third message was taken")
	}
	if err := receive(2, 2); err != nil {
		t.Fatalf("a repetition counts again: %v", err)
	}
	s.Answer(2, 2, false)
	if !exceeded(receive(3, 1)) {
		t.Fatal("PUBREC does not make room, PUBCOMP does")
	}
	if s.Unanswered() != 1 {
		t.Fatalf("%d unanswered", s.Unanswered())
	}
	s.Answer(1, 1, false)
	if err := receive(3, 1); err != nil {
		t.Fatal(err)
	}
}
