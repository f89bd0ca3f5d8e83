package users

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// roomMax is how many logins wait for their turn at most, all addresses together.
const roomMax = 8192

// room is where logins wait for their turn to be checked. There is a line for each address, and the lines take turns:
// an address from which many come makes its own wait, and delays another's by one check.
type room struct {
	mu     sync.Mutex
	free   int                  // slots that nobody has; guarded by mu
	inside int                  // who wait or have a slot; guarded by mu
	lines  map[netip.Addr]*line // of the addresses with somebody inside; guarded by mu
	turns  []*line              // those where somebody waits, the next first; guarded by mu
}

// line is who are inside from one address. It is guarded by the room's mu.
type line struct {
	inside  int
	waiting []ticket
}

// ticket is told true when it has got a slot, and false when it had to make room. It holds one message.
type ticket chan bool

func newRoom(slots int) *room { return &room{free: slots, lines: map[netip.Addr]*line{}} }

// enter waits for a slot. It fails with ErrBusy if the room is full, if as many as most are inside from that address, or
// if ctx ends first. After success the caller has to leave.
func (r *room) enter(ctx context.Context, from netip.Addr, most int) error {
	t, err := r.line(from, most)
	if err != nil {
		return err
	}
	select {
	case ok := <-t:
		if !ok {
			return ErrBusy
		}
		return nil
	case <-ctx.Done():
		r.giveUp(t, from)
		return ErrBusy
	}
}

// line puts somebody at the end of the address's line, or gives them a slot if there is one.
func (r *room) line(from netip.Addr, most int) (ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lines[from]
	if l == nil {
		l = &line{}
	}
	if l.inside >= most || r.inside >= roomMax && !r.makeRoom(l) {
		return nil, ErrBusy
	}
	r.lines[from] = l
	l.inside++
	r.inside++
	t := make(ticket, 1)
	l.waiting = append(l.waiting, t)
	if len(l.waiting) == 1 {
		r.turns = append(r.turns, l)
	}
	r.callNext()
	return t, nil
}

// makeRoom sends the last of the longest line away, if that is longer than this one.
func (r *room) makeRoom(than *line) bool {
	var longest *line
	var from netip.Addr
	for addr, l := range r.lines {
		if longest == nil || len(l.waiting) > len(longest.waiting) {
			longest, from = l, addr
		}
	}
	if longest == nil || len(longest.waiting) <= len(than.waiting) {
		return false
	}
	last := longest.waiting[len(longest.waiting)-1]
	last <- false
	r.remove(last, from)
	return true
}

// callNext gives free slots to those whose turn it is.
func (r *room) callNext() {
	for r.free > 0 && len(r.turns) > 0 {
		l := r.turns[0]
		r.turns = slices.Delete(r.turns, 0, 1)
		next := l.waiting[0]
		if l.waiting = slices.Delete(l.waiting, 0, 1); len(l.waiting) > 0 {
			r.turns = append(r.turns, l)
		}
		r.free--
		next <- true
	}
}

// leave gives the slot back.
func (r *room) leave(from netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free++
	r.goOut(from)
	r.callNext()
}

// giveUp takes back a ticket that may have got a slot meanwhile.
func (r *room) giveUp(t ticket, from netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case ok := <-t:
		if ok {
			r.free++
			r.goOut(from)
			r.callNext()
		}
	default:
		r.remove(t, from)
	}
}

// remove takes somebody who waits out of the room.
func (r *room) remove(t ticket, from netip.Addr) {
	l := r.lines[from]
	at := slices.Index(l.waiting, t)
	if l.waiting = slices.Delete(l.waiting, at, at+1); len(l.waiting) == 0 {
		at = slices.Index(r.turns, l)
		r.turns = slices.Delete(r.turns, at, at+1)
	}
	r.goOut(from)
}

func (r *room) goOut(from netip.Addr) {
	r.inside--
	if l := r.lines[from]; l.inside > 1 {
		l.inside--
	} else {
		delete(r.lines, from)
	}
}

// waiting returns how many wait for their turn.
func (r *room) waiting() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.turns {
		n += len(l.waiting)
	}
	return n
}
