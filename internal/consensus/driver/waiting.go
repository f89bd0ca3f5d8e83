package driver

import (
	"container/heap"

	"github.com/foxmq/foxmq/internal/event"
)

// waiter is an event that cannot be taken in yet: a parent is missing, or its birth round is in the future.
type waiter struct {
	event *event.Event
	from  int // the peer that sent it
	place int // in its peer's heap; -1 once it waits no longer
}

// waiting holds the events that wait, each at the expense of the peer that sent it.
type waiting struct {
	limits   *Limits
	byID     map[event.ID]*waiter
	children map[event.ID][]*waiter // by parent that was not held when the child came, whether it is needed or not
	peers    []farthest
}

// farthest is a heap of one peer's waiters, the farthest future first.
type farthest struct {
	list  []*waiter
	bytes int
}

func (h *farthest) Len() int { return len(h.list) }

func (h *farthest) Less(i, j int) bool {
	return h.list[i].event.BirthRound > h.list[j].event.BirthRound
}

func (h *farthest) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].place, h.list[j].place = i, j
}

// Push implements heap.Interface.
func (h *farthest) Push(x any) {
	w := x.(*waiter)
	w.place = len(h.list)
	h.list = append(h.list, w)
	h.bytes += len(w.event.Payload)
}

// Pop implements heap.Interface.
func (h *farthest) Pop() any {
	last := len(h.list) - 1
	w := h.list[last]
	h.list[last] = nil
	h.list = h.list[:last]
	h.bytes -= len(w.event.Payload)
	w.place = -1
	return w
}

func newWaiting(members int, limits *Limits) *waiting {
	return &waiting{
		limits:   limits,
		byID:     make(map[event.ID]*waiter),
		children: make(map[event.ID][]*waiter),
		peers:    make([]farthest, members),
	}
}

// add lets an event wait for the parents that are listed, and returns the events that are forgotten for it; it may be
// the first of them.
func (w *waiting) add(e *event.Event, from int, missing []event.ID) (forgotten []*event.Event) {
	x := &waiter{event: e, from: from}
	w.byID[e.ID()] = x
	for _, id := range missing {
		w.children[id] = append(w.children[id], x)
	}
	h := &w.peers[from]
	heap.Push(h, x)
	for len(h.list) > w.limits.WaitingEvents || h.bytes > w.limits.WaitingBytes {
		forgotten = append(forgotten, h.list[0].event)
		w.remove(h.list[0])
	}
	return forgotten
}

// remove ends the waiting of x.
func (w *waiting) remove(x *waiter) {
	heap.Remove(&w.peers[x.from], x.place)
	delete(w.byID, x.event.ID())
	for i := range x.event.Parents {
		id := x.event.Parents[i].ID
		list := w.children[id]
		for j, c := range list {
			if c == x {
				list = append(list[:j], list[j+1:]...)
				break
			}
		}
		if len(list) == 0 {
			delete(w.children, id)
		} else {
			w.children[id] = list
		}
	}
}

// all returns the waiters of all peers, in an order that is the same in every run.
func (w *waiting) all() []*waiter {
	list := make([]*waiter, 0, len(w.byID))
	for i := range w.peers {
		list = append(list, w.peers[i].list...)
	}
	return list
}

// wanters returns the creators, other than the event's own, of the waiting events that descend from the event.
func (w *waiting) wanters(id event.ID, creator int) members {
	var set members
	seen := map[event.ID]bool{id: true}
	stack := []event.ID{id}
	for len(stack) > 0 {
		id = stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, c := range w.children[id] {
			if c.event.Creator != creator {
				set.add(c.event.Creator)
			}
			if child := c.event.ID(); !seen[child] {
				seen[child] = true
				stack = append(stack, child)
			}
		}
	}
	return set
}
