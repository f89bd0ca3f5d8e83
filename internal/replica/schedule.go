package replica

import (
	"container/heap"
	"math"
)

// timer is something that waits for a consensus time on behalf of a session. Its zero value waits for nothing.
type timer struct {
	in      *schedule // nil: it waits for nothing
	session *session
	at      int64 // ns since 1970
	ends    bool  // the session ends; else its will goes
	noticed bool  // a client may wait for that
	place   int   // in the schedule
}

// before orders timers: by time, then by the age of the sessions, and a session's will before its end. nil is last.
func (t *timer) before(other *timer) bool {
	switch {
	case t == nil || other == nil:
		return t != nil
	case t.at != other.at:
		return t.at < other.at
	case t.session != other.session:
		return t.session.epoch < other.session.epoch
	default:
		return !t.ends
	}
}

// schedule is a heap of timers, the first one in front.
type schedule []*timer

func (s *schedule) add(t *timer) {
	t.in = s
	heap.Push(s, t)
}

// stop takes the timer out of its schedule, if it is in one.
func (t *timer) stop() {
	if t.in != nil {
		heap.Remove(t.in, t.place)
		*t = timer{}
	}
}

// due returns the first timer if its time has come, or nil.
func (s schedule) due(now int64) *timer {
	if len(s) == 0 || s[0].at > now {
		return nil
	}
	return s[0]
}

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].before(s[j]) }

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

// Push implements heap.Interface.
func (s *schedule) Push(x any) {
	t := x.(*timer)
	t.place = len(*s)
	*s = append(*s, t)
}

// Pop implements heap.Interface.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	t := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return t
}

// after returns the time so many seconds after another, or the last that there is.
func after(time int64, seconds uint32) int64 {
	interval := int64(seconds) * 1_000_000_000
	if time > math.MaxInt64-interval {
		return math.MaxInt64
	}
	return time + interval
}

// deadline returns the time from which on the message, which exists since that time, is no more; MaxInt64 if it stays.
func (m *Message) deadline(since int64) int64 {
	if !m.HasExpiry {
		return math.MaxInt64
	}
	return after(since, m.Expiry)
}
