package replica

import (
	"container/heap"
	"math"
)

// bans are the bans that hold. What they mean for connections is the brokers' affair: the machine knows of neither
// users nor addresses.
type bans struct {
	changes  *changes
	byTarget map[BanTarget]*ban
	ending   banHeap // those that do not hold for good
}

// ban is a ban in the state.
type ban struct {
	mark
	*BanEntry
	place int // in the heap, if it ends
}

func (b *ban) ends() bool { return b.Until != math.MaxInt64 }

// put makes a ban hold, in place of an older one of its target, and returns it.
func (s *bans) put(e *BanEntry) *ban {
	b := s.byTarget[e.BanTarget]
	if b == nil {
		b = &ban{}
		s.byTarget[e.BanTarget] = b
	} else if b.ends() {
		heap.Remove(&s.ending, b.place)
	}
	b.BanEntry = e
	if b.ends() {
		heap.Push(&s.ending, b)
	}
	s.changes.touch(b)
	return b
}

func (s *bans) remove(b *ban) {
	if b.ends() {
		heap.Remove(&s.ending, b.place)
	}
	delete(s.byTarget, b.BanTarget)
	s.changes.drop(b)
}

// first returns the ban that ends first, nil if none does.
func (s *bans) first() *ban {
	if len(s.ending) == 0 {
		return nil
	}
	return s.ending[0]
}

func (m *Machine) ban(c *Ban, res *Result) Outcome {
	if m.bans.byTarget[c.Target] == nil && len(m.bans.byTarget) >= m.limits.Bans {
		m.counts.BansRefused++
		return Full
	}
	e := &BanEntry{BanTarget: c.Target, Until: math.MaxInt64, Reason: c.Reason, Node: res.Node, Index: m.index}
	if c.Seconds > 0 {
		e.Until = after(m.time, c.Seconds)
	}
	m.bans.put(e)
	res.Effects = append(res.Effects, Effect{Kind: Banned, Ban: e})
	return Applied
}

func (m *Machine) unban(c *Unban, res *Result) Outcome {
	b := m.bans.byTarget[c.Target]
	if b == nil {
		return Unknown
	}
	m.liftBan(b, res)
	return Applied
}

func (m *Machine) liftBan(b *ban, res *Result) {
	m.bans.remove(b)
	res.Effects = append(res.Effects, Effect{Kind: Unbanned, Ban: b.BanEntry})
}

// expireBans lifts the bans that hold up to the machine's time, in the order of the times.
func (m *Machine) expireBans(res *Result) {
	for b := m.bans.first(); b != nil && b.Until <= m.time; b = m.bans.first() {
		m.liftBan(b, res)
	}
}

// Bans calls f with each ban that holds, in no order.
func (m *Machine) Bans(f func(*BanEntry)) {
	for _, b := range m.bans.byTarget {
		f(b.BanEntry)
	}
}

// banHeap holds the bans that end, the first to end in front.
type banHeap []*ban

func (h banHeap) Len() int { return len(h) }

func (h banHeap) Less(i, j int) bool {
	if h[i].Until != h[j].Until {
		return h[i].Until < h[j].Until
	}
	return h[i].Index < h[j].Index
}

func (h banHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *banHeap) Push(x any) {
	b := x.(*ban)
	b.place = len(*h)
	*h = append(*h, b)
}

// Pop implements heap.Interface.
func (h *banHeap) Pop() any {
	last := len(*h) - 1
	b := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return b
}
