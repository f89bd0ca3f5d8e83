package replica

import (
	"container/heap"

	"github.com/foxmq/foxmq/internal/topic"
)

// Retained is a retained message and where in the stream it was set.
type Retained struct {
	Message *Message
	Index   uint64
	Time    int64 // consensus time, ns; the message's expiry counts from it
	// ClientID is the publisher's, so that No Local can be honoured [MQTT-3.8.3-3].
	ClientID string
}

func (r *Retained) deadline() int64 { return r.Message.deadline(r.Time) }

func (r *Retained) size() int { return r.Message.size() + len(r.ClientID) }

// retained is the store of retained messages, one a topic.
type retained struct {
	limits   Limits
	changes  *changes
	topics   topic.Names[*entry]
	expiring expiryHeap
	bytes    int
}

// entry is a retained message in the store.
type entry struct {
	mark
	Retained
	place int   // in the heap, if the message expires
	body  *body // as it is in queues; nil before it is first sent to a new subscription
}

// put sets the topic's retained message, or clears it if the payload is empty, and reports whether it fits.
// What does not fit leaves the old one in place.
func (s *retained) put(r Retained) bool {
	old, _ := s.topics.Get(r.Message.Topic)
	if len(r.Message.Payload) == 0 {
		s.remove(old)
		return true
	}
	count, bytes := s.topics.Len()+1, s.bytes+r.size()
	if old != nil {
		count, bytes = count-1, bytes-old.size()
	}
	if count > s.limits.Retained || bytes > s.limits.RetainedBytes {
		return false
	}
	s.bytes = bytes
	e := old
	if e == nil {
		e = &entry{}
		s.topics.Set(r.Message.Topic, e)
	} else {
		s.forgetExpiry(e)
	}
	e.Retained, e.body = r, nil
	if r.Message.HasExpiry {
		heap.Push(&s.expiring, e)
	}
	s.changes.touch(e)
	return true
}

// remove takes the entry out; nil is none.
func (s *retained) remove(e *entry) {
	if e == nil {
		return
	}
	s.forgetExpiry(e)
	s.changes.drop(e)
	s.topics.Delete(e.Message.Topic)
	s.bytes -= e.size()
}

// forgetExpiry takes the entry out of the heap, if it is there.
func (s *retained) forgetExpiry(e *entry) {
	if e.Message.HasExpiry {
		heap.Remove(&s.expiring, e.place)
	}
}

// expire removes what has a deadline up to now.
func (s *retained) expire(now int64) {
	for len(s.expiring) > 0 && s.expiring[0].deadline() <= now {
		s.remove(s.expiring[0])
	}
}

// Retained calls f with each retained message whose topic matches the filter and comes behind the topic after, in
// the order of the topics' bytes, until f returns false. An empty after stands before all. So a reader may stop, and
// go on later where it was. The filter must be valid; f must not call Apply.
func (m *Machine) Retained(filter, after string, f func(Retained) bool) {
	m.retained.topics.Match(filter, after, func(_ string, e *entry) bool { return f(e.Retained) })
}

// SomeRetained is Retained that looks at no more than so many messages, and takes what it needs from steps. It returns the
// topic to go on behind, and whether there may be more.
func (m *Machine) SomeRetained(filter, after string, steps *int, f func(Retained) bool) (last string, more bool) {
	return m.retained.topics.MatchSome(filter, after, steps, func(_ string, e *entry) bool { return f(e.Retained) })
}

// expiryHeap holds the entries that expire, the earliest deadline first.
type expiryHeap []*entry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].deadline() < h[j].deadline() }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
