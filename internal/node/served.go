package node

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/store"
)

// servedFor is how long the checkpoint that a peer was last offered is kept for it to ask on.
const servedFor = 30 * time.Second

// served keeps the views that peers are served from, the last of each peer, so that one whose connection broke goes on
// where it was, whatever others ask for.
//
// Concurrency: safe for use by many goroutines.
type served struct {
	mu     sync.Mutex
	views  map[int]*certified // by member; guarded by mu
	closed bool               // nobody is served any more; guarded by mu
}

// certified is a checkpoint on the disk with its certificate.
type certified struct {
	*store.View
	digest [sha256.Size]byte
	votes  []event.Vote
	users  int       // those who are served from it, and one more while it is kept; guarded by the mu of served
	until  time.Time // kept without users; guarded by the mu of served
}

// get returns a view that is kept if there is one of the digest. The caller is a user of it.
func (s *served) get(digest [sha256.Size]byte) *certified {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.views {
		if c.digest == digest {
			c.users++
			return c
		}
	}
	return nil
}

// put keeps a view for a peer in place of its last, unless nobody is served any more. The caller is a user of it.
func (s *served) put(peer int, c *certified) {
	s.mu.Lock()
	var old *certified
	if c.users = 1; !s.closed {
		if s.views == nil {
			s.views = map[int]*certified{}
		}
		old = s.views[peer]
		c.users, s.views[peer] = 2, c
	}
	s.mu.Unlock()
	s.release(old)
}

// release says that a user of the view is done, the last of whom closes it; nil is no view. One that is only kept goes
// after servedFor, by itself: where the state file must be mapped anew to grow, the next checkpoint waits for that.
func (s *served) release(c *certified) {
	if c == nil {
		return
	}
	s.mu.Lock()
	c.users--
	c.until = time.Now().Add(servedFor)
	unused, kept := c.users == 0, c.users == 1
	s.mu.Unlock()
	if unused {
		c.Close()
	} else if kept {
		time.AfterFunc(servedFor, func() { s.expire(time.Now()) })
	}
}

// expire lets go of the views that nobody has asked for of late: as long as they are open, the file of the state grows.
func (s *served) expire(now time.Time) {
	s.mu.Lock()
	var gone []*certified
	for peer, c := range s.views {
		if c.users == 1 && !now.Before(c.until) {
			gone = append(gone, c)
			delete(s.views, peer)
		}
	}
	s.mu.Unlock()
	for _, c := range gone {
		s.release(c)
	}
}

// close keeps no view any more.
func (s *served) close() {
	s.mu.Lock()
	views := s.views
	s.views, s.closed = nil, true
	s.mu.Unlock()
	for _, c := range views {
		s.release(c)
	}
}
