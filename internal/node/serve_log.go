package node

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/store"
)

// tailKept is how long the log behind a checkpoint is kept for a peer that was offered it, since anybody read it.
const tailKept = 10 * time.Minute

// tails keeps the log behind the checkpoints that peers were offered, the last of each peer. A peer takes long for a
// large state, and meanwhile more happens than is kept in memory.
//
// Concurrency: safe for use by many goroutines.
type tails struct {
	mu     sync.Mutex
	last   map[int]*tail // by member; guarded by mu
	closed bool          // nobody is served any more; guarded by mu
}

// tail is the log behind a checkpoint.
type tail struct {
	*store.Tail
	birth uint64 // all events born in this round or later are in the base or in the log

	readers  int       // guarded by the mu of tails
	until    time.Time // kept without readers; guarded by the mu of tails
	replaced bool      // it is kept for its readers only; guarded by the mu of tails
}

// put keeps a tail for a peer, in place of the last.
func (s *tails) put(peer int, t *tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		t.Close()
		return
	}
	if old := s.last[peer]; old != nil {
		if old.replaced = true; old.readers == 0 {
			old.Close()
		}
	}
	if s.last == nil {
		s.last = map[int]*tail{}
	}
	t.until = time.Now().Add(tailKept)
	s.last[peer] = t
}

// get returns the shortest tail with all events that were born in that round or later, nil if there is none. The caller
// is a reader of it.
func (s *tails) get(birth uint64) *tail {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *tail
	for _, t := range s.last {
		if t.birth <= birth && (best == nil || t.birth > best.birth) {
			best = t
		}
	}
	if best != nil {
		best.readers++
	}
	return best
}

// release says that a reader of the tail is done.
func (s *tails) release(t *tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.readers--
	t.until = time.Now().Add(tailKept)
	if t.replaced && t.readers == 0 {
		t.Close()
	}
}

// expire lets go of the tails that nobody has asked for of late.
func (s *tails) expire(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for peer, t := range s.last {
		if t.readers == 0 && now.After(t.until) {
			t.Close()
			delete(s.last, peer)
		}
	}
}

// close lets go of all.
func (s *tails) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.last {
		t.Close()
	}
	s.last, s.closed = nil, true
}

// keepLog keeps the log behind a checkpoint that a peer is offered.
func (n *Node) keepLog(peer int, v *store.View) error {
	base, err := driver.DecodeSnapshot(v.Base, n.cfg.Domain)
	if err != nil {
		return err
	}
	t, err := v.Tail()
	switch {
	case errors.Is(err, store.ErrLetGo):
		return nil // the peer may do without
	case err != nil:
		return err
	}
	n.tails.put(peer, &tail{Tail: t, birth: base.Births[0]})
	return nil
}

// serveLog writes the round that this node decides, and the events of its log that were born in that round or later,
// parents first, up to those that come while it writes.
func (n *Node) serveLog(peer int, birth uint64, answer io.Writer) error {
	p := n.picture.Load()
	if p == nil {
		return errNothing // it still reads what its disk holds
	}
	t := n.tails.get(birth)
	if t == nil {
		return errNothing
	}
	defer n.tails.release(t)
	n.cfg.Logger.Info("handing out the log behind a checkpoint", zap.Int("member", peer), zap.Uint64("birth_round", birth))
	w := newBlockWriter(answer)
	_ = w.number(p.Pending) // end tells
	err := n.eachRecord(t, func(record []byte) error {
		if born, err := event.BirthRound(record); err != nil || born < birth {
			return err
		}
		return w.block(record)
	})
	switch {
	case errors.Is(err, store.ErrLetGo):
		return errNothing
	case err != nil && w.err == nil:
		return n.unreadable(err)
	}
	return w.end()
}

// eachRecord calls f with the encoded events of the checkpoint, and those of the log behind it.
func (n *Node) eachRecord(t *tail, f func(record []byte) error) error {
	b, err := t.Base()
	if err != nil {
		return err
	}
	base, err := driver.DecodeSnapshot(b, n.cfg.Domain)
	if err != nil {
		return fmt.Errorf("consensus snapshot: %w", err)
	}
	for _, e := range base.Events {
		if err := f(e.Append(nil)); err != nil {
			return err
		}
	}
	return t.Records(f)
}
