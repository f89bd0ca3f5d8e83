package node

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/store"
)

// servedFor is how long the checkpoint that was last served is kept for those that ask on.
const servedFor = 30 * time.Second

// served keeps the view that peers are served from, so that one whose connection broke goes on where it was.
//
// Concurrency: safe for use by many goroutines.
type served struct {
	mu     sync.Mutex
	view   *certified // guarded by mu
	closed bool       // nobody is served any more; guarded by mu
}

// certified is a checkpoint on the disk with its certificate.
type certified struct {
	*store.View
	digest [sha256.Size]byte
	votes  []event.Vote
	users  int       // those who are served from it, and one more while it is kept; guarded by the mu of served
	until  time.Time // kept without users; guarded by the mu of served
}

// get returns the view that is kept if it is the one of the digest. The caller is a user of it.
func (s *served) get(digest [sha256.Size]byte) *certified {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil || s.view.digest != digest {
		return nil
	}
	s.view.users++
	return s.view
}

// put keeps a view in place of the last, unless nobody is served any more. The caller is a user of it.
func (s *served) put(c *certified) {
	s.mu.Lock()
	old := s.view
	if c.users = 1; s.closed {
		old = nil
	} else {
		c.users, s.view = 2, c
	}
	s.mu.Unlock()
	s.release(old)
}

// release says that a user of the view is done, the last of whom closes it; nil is no view.
func (s *served) release(c *certified) {
	if c == nil {
		return
	}
	s.mu.Lock()
	c.users--
	c.until = time.Now().Add(servedFor)
	unused := c.users == 0
	s.mu.Unlock()
	if unused {
		c.Close()
	}
}

// expire lets go of the view that nobody has asked for of late: as long as it is open, the file of the state only grows.
func (s *served) expire(now time.Time) {
	s.mu.Lock()
	c := s.view
	if c == nil || c.users > 1 || now.Before(c.until) {
		s.mu.Unlock()
		return
	}
	s.view = nil
	s.mu.Unlock()
	s.release(c)
}

// close keeps no view any more.
func (s *served) close() {
	s.mu.Lock()
	c := s.view
	s.view, s.closed = nil, true
	s.mu.Unlock()
	s.release(c)
}
