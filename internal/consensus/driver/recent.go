package driver

import "github.com/foxmq/foxmq/internal/event"

// expiredLimit bounds the IDs that are remembered of events that came too late.
const expiredLimit = 4096

// recentIDs is a set of the IDs that were added last.
type recentIDs struct {
	set  map[event.ID]bool
	ring [expiredLimit]event.ID
	next int
}

func newRecentIDs() *recentIDs { return &recentIDs{set: make(map[event.ID]bool)} }

func (r *recentIDs) has(id event.ID) bool { return r.set[id] }

func (r *recentIDs) add(id event.ID) {
	if r.set[id] {
		return
	}
	delete(r.set, r.ring[r.next])
	r.ring[r.next] = id
	r.set[id] = true
	r.next = (r.next + 1) % len(r.ring)
}
