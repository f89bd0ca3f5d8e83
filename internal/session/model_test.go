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
		t.Repeat(map[string]func(*rapid.T){
			"push": m.push,
			"pop":  m.pop,
			"ack":  m.ack,
		})
	})
}

type model struct {
	session  *session.Session[int]
	limits   session.Limits
	waiting  []session.Entry[int]
	inflight map[uint16]byte
	last     int
}

func (m *model) push(t *rapid.T) {
	qos := rapid.Byte().Draw(t, "qos") % 3
	size := rapid.IntRange(1, 50).Draw(t, "size")
	m.last++
	e := session.Entry[int]{Message: m.last, QoS: qos, Size: size}
	bytes := size
	for _, w := range m.waiting {
		bytes += w.Size
	}
	want := session.Queued
	if len(m.waiting) == m.limits.QueueMessages || bytes > m.limits.QueueBytes {
		want = session.Overflow
		if qos == 0 {
			want = session.Dropped
		}
	}
	if got := m.session.Push(e); got != want {
		t.Fatalf("push: verdict %d, want %d", got, want)
	}
	if want == session.Queued {
		m.waiting = append(m.waiting, e)
	}
}

func (m *model) pop(t *rapid.T) {
	got, ok := m.session.Pop(0)
	want := len(m.waiting) > 0 && (m.waiting[0].QoS == 0 || len(m.inflight) < m.limits.Send)
	if ok != want {
		t.Fatalf("pop: %v, want %v", ok, want)
	}
	if !ok {
		return
	}
	if got.Entry != m.waiting[0] {
		t.Fatalf("pop: %+v, want %+v", got.Entry, m.waiting[0])
	}
	m.waiting = m.waiting[1:]
	_, inUse := m.inflight[got.PacketID]
	if (got.PacketID == 0) != (got.QoS == 0) || inUse {
		t.Fatalf("packet identifier %d at QoS %d", got.PacketID, got.QoS)
	}
	if got.QoS > 0 {
		m.inflight[got.PacketID] = got.QoS
	}
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
	var err error
	if m.inflight[id] == 1 {
		err = m.session.PubAck(id)
	} else if err = m.session.PubRec(id, false); err == nil {
		err = m.session.PubComp(id)
	}
	if err != nil {
		t.Fatalf("identifier %d: %v", id, err)
	}
	delete(m.inflight, id)
}
