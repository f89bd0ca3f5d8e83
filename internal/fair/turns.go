package fair

import (
	"sync"
	"sync/atomic"
)

// Turns lets only so many goroutines work at once. One that has little to do then never stands in line behind all those
// with much, as it would if they were all ready to run: who waits is served in fair order. While there are turns for all,
// taking one and ending it costs a few atomic operations.
//
// Concurrency: safe for use by many goroutines.
type Turns struct {
	length int64        // work after which somebody makes way
	free   atomic.Int64 // turns that nobody has
	wanted atomic.Int64 // how many wait, or are about to; changed with mu held

	mu      sync.Mutex
	waiting *Queue[chan struct{}] // each with room for one; guarded by mu
	waits   uint64                // how often somebody had to wait; guarded by mu
}

// NewTurns returns n turns; whoever has done so much work in one makes way for those that wait.
func NewTurns(n int, length int64) *Turns {
	t := &Turns{length: length, waiting: NewQueue[chan struct{}](length)}
	t.free.Store(int64(n))
	return t
}

// Turn returns somebody's turn, which is not taken yet.
func (t *Turns) Turn(who Key) Turn { return Turn{of: t, who: who} }

// Waits returns how often somebody had to wait for a turn.
func (t *Turns) Waits() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waits
}

// take takes a turn that nobody has, if there is one.
func (t *Turns) take() bool {
	for {
		free := t.free.Load()
		if free == 0 {
			return false
		}
		if t.free.CompareAndSwap(free, free-1) {
			return true
		}
	}
}

// give hands the turns that nobody has to those who wait. The caller holds mu.
func (t *Turns) give() {
	for t.waiting.Len() > 0 && t.take() {
		t.wanted.Add(-1)
		t.waiting.Pop() <- struct{}{}
	}
}

// Turn is what one goroutine has of Turns.
//
// Concurrency: for one goroutine.
type Turn struct {
	of    *Turns
	who   Key
	taken bool
	work  int64         // in this turn, or since nobody wanted it
	ready chan struct{} // nil: it never waited
}

// TryTake takes the turn if it is to be had without waiting, and reports whether it is taken now.
func (t *Turn) TryTake() bool {
	if !t.taken && t.of.wanted.Load() == 0 && t.of.take() {
		t.taken, t.work = true, 0
	}
	return t.taken
}

// Take waits for the turn, unless it is taken.
func (t *Turn) Take() {
	if !t.TryTake() {
		t.wait()
		t.taken, t.work = true, 0
	}
}

// wait gets in line. Who ends a turn meanwhile either sees that one is wanted or has made one free before we look.
func (t *Turn) wait() {
	if t.ready == nil {
		t.ready = make(chan struct{}, 1)
	}
	all := t.of
	all.mu.Lock()
	all.wanted.Add(1)
	all.waiting.Push(t.who, t.ready, 0)
	all.waits++
	all.give()
	all.mu.Unlock()
	<-t.ready
}

// Spend counts work that is done in the turn.
func (t *Turn) Spend(work int) { t.work += int64(work) }

// Due reports whether the turn has been long and somebody waits. While nobody does, what was done is forgotten.
func (t *Turn) Due() bool {
	if !t.taken || t.work < t.of.length {
		return false
	}
	if t.of.wanted.Load() > 0 {
		return true
	}
	t.work = 0
	return false
}

// End gives the turn back, if it is taken: whoever has one must not wait for anything but a lock.
func (t *Turn) End() {
	if !t.taken {
		return
	}
	t.taken = false
	all := t.of
	if all.wanted.Load() == 0 {
		all.free.Add(1)
		if all.wanted.Load() == 0 {
			return
		}
		all.mu.Lock()
	} else {
		all.mu.Lock()
		all.waiting.Charge(t.who, t.work)
		all.free.Add(1)
	}
	all.give()
	all.mu.Unlock()
}
