package session_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/foxmq/foxmq/internal/session"
)

// TestSessionAgainstModel compares the outbound side with the slowest correct one: a slice and a map.
func TestSessionAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := session.Limits{
			Send:          rapid.IntRange(1, 40).Draw(t, "send"),
			QueueMessages: rapid.IntRange(1, 300).Draw(t, "messages"),
			QueueBytes:    rapid.IntRange(1, 3000).Draw(t, "bytes"),
		}
		m := model{session: session.New[int](limits), limits: limits, inflight: map[uint16]byte{}}
		if m.lasting = rapid.Bool().Draw(t, "lasting"); m.lasting {
			m.session = session.NewLasting[int](limits, 0)
		}
		t.Repeat(map[string]func(*rapid.T){
			"push":  m.push,
			"pop":   m.pop,
			"ack":   m.ack,
			"order": m.order,
		})
	})
}

type model struct {
	session  *session.Session[int]
	limits   session.Limits
	lasting  bool
	waiting  []session.Entry[int]
	inflight map[uint16]byte // the QoS of what the client has not acknowledged
	open     []uint64        // delivery numbers that were sent and whose completion is not ordered
	done     []uint64        // those of open that the client has acknowledged, and skipped
	skipped  []uint64        // delivery numbers that were never sent, and that is not ordered
	last     int
	number   uint64
}

// push numbers messages with gaps, now and then as wide as all packet identifiers together.
func (m *model) push(t *rapid.T) {
	m.last++
	e := session.Entry[int]{
		Message: m.last,
		QoS:     rapid.Byte().Draw(t, "qos") % 3,
		Size:    rapid.IntRange(1, 50).Draw(t, "size"),
	}
	if m.lasting && e.QoS > 0 {
		m.number += rapid.SampledFrom([]uint64{1, 1, 1, 2, 1000, 32_767, 65_535}).Draw(t, "gap")
		e.Number, e.Numbered, e.Free = m.number, true, true
		e.Withheld = rapid.IntRange(0, 9).Draw(t, "withheld") == 0
	}
	want := m.verdict(&e)
	if got := m.session.Push(e); got != want {
		t.Fatalf("push: verdict %d, want %d", got, want)
	}
	if want == session.Queued {
		m.waiting = append(m.waiting, e)
	}
}

func (m *model) verdict(e *session.Entry[int]) session.Verdict {
	count, bytes := 0, e.Size
	for _, w := range m.waiting {
		if !w.Free {
			count++
			bytes += w.Size
		}
	}
	switch {
	case e.Free || count < m.limits.QueueMessages && bytes <= m.limits.QueueBytes:
		return session.Queued
	case e.QoS == 0:
		return session.Dropped
	default:
		return session.Overflow
	}
}

func (m *model) pop(t *rapid.T) {
	got, ok := m.session.Pop(0)
	if want := len(m.waiting) > 0 && m.maySend(&m.waiting[0]); ok != want {
		t.Fatalf("pop: %v, want %v", ok, want)
	}
	if !ok {
		return
	}
	if got.Entry != m.waiting[0] {
		t.Fatalf("pop: %+v, want %+v", got.Entry, m.waiting[0])
	}
	m.waiting = m.waiting[1:]
	if got.Withheld {
		m.skipped, m.open, m.done = append(m.skipped, got.Number), append(m.open, got.Number), append(m.done, got.Number)
		return
	}
	_, inUse := m.inflight[got.PacketID]
	if (got.PacketID == 0) != (got.QoS == 0) || inUse {
		t.Fatalf("packet identifier %d at QoS %d", got.PacketID, got.QoS)
	}
	if got.QoS == 0 {
		return
	}
	m.inflight[got.PacketID] = got.QoS
	if m.lasting {
		m.open = append(m.open, got.Number)
		if want := uint16(1 + got.Number%65535); got.PacketID != want {
			t.Fatalf("packet identifier %d for number %d, want %d", got.PacketID, got.Number, want)
		}
	}
}

func (m *model) maySend(e *session.Entry[int]) bool {
	switch {
	case e.Withheld:
		return true
	case len(m.skipped) > 0:
		return false
	case e.QoS == 0:
		return true
	}
	return len(m.inflight) < m.limits.Send && (len(m.open) == 0 || e.Number-m.open[0] < 65535)
}

func (m *model) ack(t *rapid.T) {
	if len(m.inflight) == 0 {
		return
	}
	ids := make([]uint16, 0, len(m.inflight))
	for id := range m.inflight {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(t, "id")
	if err := m.finish(t, id); err != nil {
		t.Fatalf("identifier %d: %v", id, err)
	}
	delete(m.inflight, id)
	for _, number := range m.open {
		if uint16(1+number%65535) == id && m.lasting && !slices.Contains(m.skipped, number) {
			m.done = append(m.done, number)
		}
	}
}

// finish plays the client's acknowledgements of one message.
func (m *model) finish(t *rapid.T, id uint16) error {
	if m.inflight[id] == 1 {
		return m.session.PubAck(id)
	}
	next, err := m.session.PubRec(id, false)
	if err != nil {
		return err
	}
	if (next == session.Record) != m.lasting {
		t.Fatalf("PUBREC: %d", next)
	}
	if m.lasting {
		m.order(t)
	}
	return m.session.PubComp(id)
}

// order orders what there is to report.
func (m *model) order(t *rapid.T) {
	report := m.session.Report()
	slices.Sort(m.done)
	if !slices.Equal(report.Done, m.done) {
		t.Fatalf("done: %v, want %v", report.Done, m.done)
	}
	m.session.Reported(report)
	m.open = slices.DeleteFunc(m.open, func(n uint64) bool { return slices.Contains(report.Done, n) })
	m.done, m.skipped = nil, nil
}
