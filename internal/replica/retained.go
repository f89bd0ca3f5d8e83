package replica

import (
	"container/heap"
	"maps"
	"math"
	"slices"
)

// RetainedOverhead is what a retained message counts in Limits.RetainedBytes beside its bytes.
const RetainedOverhead = 256

// Retained is a retained message and where in the stream it was set.
type Retained struct {
	Message *Message
	Index   uint64
	Time    int64 // consensus time, ns; the message's expiry counts from it
}

// deadline returns the consensus time from which on the message is no more, or MaxInt64 if it stays.
func (r *Retained) deadline() int64 {
	if !r.Message.HasExpiry {
		return math.MaxInt64
	}
	interval := int64(r.Message.Expiry) * 1_000_000_000
	if r.Time > math.MaxInt64-interval {
		return math.MaxInt64
	}
	return r.Time + interval
}

func (r *Retained) size() int {
	return len(r.Message.Topic) + len(r.Message.Payload) + len(r.Message.Properties) + RetainedOverhead
}

// retained is the store of retained messages, one a topic.
type retained struct {
	limits   Limits
	entries  map[string]*entry
	names    names
	expiring expiryHeap
	bytes    int
}

// entry is a retained message in the store.
type entry struct {
	Retained
	place int // in the heap, if the message expires
}

// names finds the names that match a filter.
type names interface {
	// Insert adds a name that is not there.
	Insert(name string, e *entry)
	// Remove takes a name away that is there.
	Remove(name string)
	// Match calls f with each entry whose name matches the filter and comes behind after, in one order that
	// depends on the names only, until f returns false.
	Match(filter, after string, f func(*entry) bool)
}

func newRetained(limits Limits) retained {
	return retained{limits: limits, entries: map[string]*entry{}, names: newNames()}
}

func (s *retained) len() int { return len(s.entries) }

// put sets the topic's retained message, or clears it if the payload is empty, and reports whether it fits.
// What does not fit leaves the old one in place.
func (s *retained) put(r Retained) bool {
	old := s.entries[r.Message.Topic]
	if len(r.Message.Payload) == 0 {
		s.remove(old)
		return true
	}
	count, bytes := len(s.entries)+1, s.bytes+r.size()
	if old != nil {
		count, bytes = count-1, bytes-old.size()
	}
	if count > s.limits.Retained || bytes > s.limits.RetainedBytes {
		return false
	}
	s.remove(old)
	s.insert(&entry{Retained: r})
	return true
}

func (s *retained) insert(e *entry) {
	topic := e.Message.Topic
	s.entries[topic] = e
	s.names.Insert(topic, e)
	s.bytes += e.size()
	if e.Message.HasExpiry {
		heap.Push(&s.expiring, e)
	}
}

// remove takes the entry out; nil is none.
func (s *retained) remove(e *entry) {
	if e == nil {
		return
	}
	delete(s.entries, e.Message.Topic)
	s.names.Remove(e.Message.Topic)
	s.bytes -= e.size()
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

// sorted returns the entries by topic, byte by byte.
func (s *retained) sorted() []*entry {
	all := make([]*entry, 0, len(s.entries))
	for _, topic := range slices.Sorted(maps.Keys(s.entries)) {
		all = append(all, s.entries[topic])
	}
	return all
}

// Retained calls f with each retained message whose topic matches the filter and comes behind the topic after, until
// f returns false. The order of topics is the same on every node and depends on nothing else; an empty after stands
// before all. So a reader may stop, and go on later where it was. f must not call Apply.
func (m *Machine) Retained(filter, after string, f func(Retained) bool) {
	m.retained.names.Match(filter, after, func(e *entry) bool { return f(e.Retained) })
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
