package driver

import "github.com/foxmq/foxmq/internal/event"

// expiredLimit bounds the IDs that are remembered of events that came too late.
const expiredLimit = 4096

// recentIDs is a set of the IDs that were added last.
type recentIDs struct {
	set  map[event.ID]bool
	ring []event.ID // grows up to the limit
	next int        // of the ring, the place that is overwritten next
}

func newRecentIDs() *recentIDs { return &recentIDs{set: make(map[event.ID]bool)} }

func (r *recentIDs) has(id event.ID) bool { return r.set[id] }

func (r *recentIDs) add(id event.ID) {
	if r.set[id] {
		return
	}
	if len(r.ring) < expiredLimit {
		r.ring = append(r.ring, id)
	} else {
		delete(r.set, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % expiredLimit
	}
	r.set[id] = true
}
