package fair

import (
	"context"
	"sync"
)

// Semaphore is so much room, of which those who wait get their part in turns.
//
// Concurrency: safe for use by many goroutines.
type Semaphore struct {
	mu      sync.Mutex
	free    int64                 // guarded by mu
	waiting *Queue[chan struct{}] // closed when they have got what they want; guarded by mu
}

// NewSemaphore returns a semaphore with so much room; NewQueue tells what credit is.
func NewSemaphore(size, credit int64) *Semaphore {
	return &Semaphore{free: size, waiting: NewQueue[chan struct{}](credit)}
}

// TryAcquire takes room if there is enough and it is the client's turn, and reports whether it did.
func (s *Semaphore) TryAcquire(key Key, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(key, n)
}

// take is TryAcquire with mu held.
func (s *Semaphore) take(key Key, n int64) bool {
	if s.free < n || !s.waiting.Ahead(key) {
		return false
	}
	s.free -= n
	s.waiting.Charge(key, n)
	s.call() // somebody else may be next now, who wants less
	return true
}

// Acquire waits for its turn and enough room, or until ctx is done, whose error it returns then. It must not want more than
// there is.
func (s *Semaphore) Acquire(ctx context.Context, key Key, n int64) error {
	s.mu.Lock()
	if s.take(key, n) {
		s.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	s.waiting.Push(key, turn, n)
	s.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		return s.giveUp(ctx, key, n, turn)
	}
}

// giveUp takes back a request whose turn may have come meanwhile.
func (s *Semaphore) giveUp(ctx context.Context, key Key, n int64, turn chan struct{}) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.waiting.Remove(key, func(other *chan struct{}) bool { return *other == turn }); !ok {
		s.free += n
	}
	s.call()
	return ctx.Err()
}

// Release gives room back.
func (s *Semaphore) Release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += n
	s.call()
}

// call gives room to those whose turn it is.
func (s *Semaphore) call() {
	for {
		turn, n, ok := s.waiting.Front()
		if !ok || n > s.free {
			return
		}
		s.free -= n
		s.waiting.Pop()
		close(turn)
	}
}

// Charge counts against a client what it has had beside the room it asked for, such as time. While nobody waits nothing is
// counted.
func (s *Semaphore) Charge(key Key, cost int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.Charge(key, cost)
	s.call()
}

// Waiting returns how many wait.
func (s *Semaphore) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting.Len()
}
