package node

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

const (
	// servedWithin is how long a checkpoint is waited for that a supermajority has signed.
	servedWithin = 10 * time.Second
	// nudgeEvery is after how long an idle cluster is given another transaction meanwhile: rounds have to pass until
	// the members compare their states again.
	nudgeEvery = 20 * time.Millisecond
	// servedFor is how long the checkpoint that was last served is kept for those that ask on.
	servedFor = 30 * time.Second
)

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
	state  [sha256.Size]byte // the machine's hash
	digest [sha256.Size]byte
	votes  []event.Vote
	users  int       // guarded by the mu of served
	until  time.Time // kept without users; guarded by the mu of served
}

// get returns the view that is kept if it is the one of the digest.
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
	c.users = 1
	s.mu.Lock()
	old := s.view
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.view = c
	s.mu.Unlock()
	s.drop(old)
}

// release says that a user of the view is done.
func (s *served) release(c *certified) {
	s.mu.Lock()
	c.users--
	c.until = time.Now().Add(servedFor)
	kept := s.view == c
	s.mu.Unlock()
	if !kept {
		s.drop(c)
	}
}

// drop closes a view that is not kept any more when its last user is done with it; nil is none.
func (s *served) drop(c *certified) {
	if c == nil {
		return
	}
	s.mu.Lock()
	unused := c.users == 0
	s.mu.Unlock()
	if unused {
		c.Close()
	}
}

// expire closes the view that nobody has asked for of late: as long as it is open, the file of the state only grows.
func (s *served) expire(now time.Time) {
	s.mu.Lock()
	c := s.view
	if c == nil || c.users > 0 || now.Before(c.until) {
		s.mu.Unlock()
		return
	}
	s.view = nil
	s.mu.Unlock()
	c.Close()
}

// close keeps no view any more.
func (s *served) close() {
	s.mu.Lock()
	c := s.view
	s.view, s.closed = nil, true
	s.mu.Unlock()
	s.drop(c)
}

// errNothing is what a peer is told that asks for what is not there.
var errNothing = errors.New("no such checkpoint here")

// Serve answers a peer that fetches a checkpoint: with an offer of the last one, or with the records of the one that it
// was offered.
func (n *Node) Serve(ctx context.Context, peer int, request []byte, answer io.Writer) error {
	r, err := decodeFetchRequest(request)
	if err != nil {
		return err
	}
	if n.cfg.Disk == nil {
		return errNothing
	}
	if r.digest != [sha256.Size]byte{} {
		return n.serveRecords(r, answer)
	}
	start := time.Now()
	c, err := n.await(ctx)
	if err != nil {
		return err
	}
	n.served.put(c)
	defer n.served.release(c)
	n.cfg.Logger.Info("offering a checkpoint", zap.Int("member", peer), zap.Uint64("round", c.votes[0].Round),
		zap.Uint64("records", c.Count), zap.Int("base_bytes", len(c.Base)), zap.Duration("waited", time.Since(start)))
	o := offer{meta: c.Meta, state: c.state, records: c.Count, votes: c.votes, base: c.Base}
	_, err = answer.Write(o.append(nil))
	return err
}

// serveRecords writes the records behind the key that is asked for, and an empty key.
func (n *Node) serveRecords(r *fetchRequest, answer io.Writer) error {
	c := n.served.get(r.digest)
	if c == nil {
		return errNothing
	}
	defer n.served.release(c)
	w := bufio.NewWriterSize(answer, 64<<10)
	var head []byte
	err := c.Records(r.after, func(key, value []byte) error {
		head = appendBlock(head[:0], key)
		head = binary.AppendUvarint(head, uint64(len(value)))
		if _, err := w.Write(head); err != nil {
			return err
		}
		_, err := w.Write(value)
		return err
	})
	if err != nil {
		return err
	}
	if err := w.WriteByte(0); err != nil {
		return err
	}
	return w.Flush()
}

// await returns the last checkpoint when it is certified. Where it is not, because votes were lost while the cluster had
// nothing to do, it gives it something to do, and takes the next one.
func (n *Node) await(ctx context.Context) (*certified, error) {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	nudge := time.NewTicker(nudgeEvery)
	defer nudge.Stop()
	for {
		c, err := n.certified()
		if c != nil || err != nil {
			return c, err
		}
		_ = n.TrySubmit(&replica.Tick{}, replica.Token{}) // if the pool is full, there is enough to do
		select {
		case <-ctx.Done():
			return nil, errNothing
		case <-n.stopped:
			return nil, ErrStopped
		case <-nudge.C:
		}
	}
}

// certified returns the last checkpoint if a supermajority has voted for it, or nil.
func (n *Node) certified() (*certified, error) {
	v, err := n.cfg.Disk.View()
	if errors.Is(err, store.ErrNoCheckpoint) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := n.certify(v)
	if c == nil {
		v.Close()
	}
	return c, err
}

func (n *Node) certify(v *store.View) (*certified, error) {
	m, err := decodeMeta(v.Meta)
	if err != nil {
		return nil, err
	}
	c := &certified{View: v, state: m.state, digest: m.digest}
	if c.votes = n.ballots.certificate(m.round, m.digest); c.votes == nil {
		return nil, nil
	}
	return c, nil
}
