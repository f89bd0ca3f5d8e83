package node

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

const (
	// servedWithin is how long a checkpoint is waited for that a supermajority has signed. The peer waits longer.
	servedWithin = 8 * time.Second
	// nudgeEvery is after how long an idle cluster is given another transaction meanwhile: rounds have to pass until
	// the members compare their states again.
	nudgeEvery = 20 * time.Millisecond
)

// What a peer is told that asks in vain. What the disk says is no business of a peer's: it goes into the log.
var (
	errNothing    = errors.New("no such checkpoint here")
	errUnreadable = errors.New("the checkpoint cannot be read here")
)

// Serve answers a peer that fetches a checkpoint: with an offer of the last one, with the records of the one that it
// was offered, or with the log behind it.
func (n *Node) Serve(ctx context.Context, peer int, request []byte, answer io.Writer) error {
	if n.cfg.Disk == nil {
		return errNothing
	}
	if r, err := decodeLogRequest(request); err == nil {
		return n.serveLog(peer, r.birth, answer)
	}
	r, err := decodeFetchRequest(request)
	switch {
	case err != nil:
		return err
	case r.digest != [sha256.Size]byte{}:
		return n.serveRecords(r, answer)
	}
	return n.serveOffer(ctx, peer, r, answer)
}

// serveOffer writes an offer of the last checkpoint, and keeps what the peer will ask for next: that, and the log behind
// it.
func (n *Node) serveOffer(ctx context.Context, peer int, r *fetchRequest, answer io.Writer) error {
	start := time.Now()
	c, err := n.await(ctx, r.round)
	if err != nil {
		return err
	}
	n.served.put(peer, c)
	defer n.served.release(c)
	if err := n.keepLog(peer, c.View); err != nil {
		return n.unreadable(err)
	}
	n.cfg.Logger.Info("offering a checkpoint", zap.Int("member", peer), zap.Uint64("round", c.votes[0].Round),
		zap.Uint64("records", c.Count), zap.Int("base_bytes", len(c.Base)), zap.Duration("waited", time.Since(start)))
	o := offer{meta: c.Meta, records: c.Count, votes: c.votes, base: c.Base}
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
	w := newBlockWriter(answer)
	err := c.Records(r.after, func(key, value []byte) error { return errors.Join(w.block(key), w.block(value)) })
	if err != nil && w.err == nil {
		return n.unreadable(err)
	}
	return w.end()
}

// blockWriter writes blocks of bytes to a peer, each behind its length.
type blockWriter struct {
	to  *bufio.Writer
	err error // of writing
}

func newBlockWriter(answer io.Writer) *blockWriter {
	return &blockWriter{to: bufio.NewWriterSize(answer, 64<<10)}
}

// number writes a number.
func (w *blockWriter) number(v uint64) error {
	if w.err == nil {
		_, w.err = w.to.Write(binary.AppendUvarint(w.to.AvailableBuffer(), v))
	}
	return w.err
}

func (w *blockWriter) block(b []byte) error {
	if w.number(uint64(len(b))) == nil {
		_, w.err = w.to.Write(b)
	}
	return w.err
}

// end writes an empty block.
func (w *blockWriter) end() error {
	if w.err != nil {
		return w.err
	}
	_ = w.to.WriteByte(0) // Flush tells
	return w.to.Flush()
}

// await returns the last checkpoint when it is certified and of that round or a later one. Where it is not, because votes
// were lost or because the cluster has had nothing to do for long, it gives it something to do, and takes the next one.
// A cluster that does nothing without the peer needs what was lost: so it says its votes again, as the next to be asked
// will.
func (n *Node) await(ctx context.Context, round uint64) (*certified, error) {
	if c, err := n.certified(round); c != nil || err != nil {
		return c, err
	}
	n.tellAll(n.ballots.signed())
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	nudge := time.NewTicker(nudgeEvery)
	defer nudge.Stop()
	for {
		c, err := n.certified(round)
		if c != nil || err != nil {
			return c, err
		}
		n.nudge()
		select {
		case <-ctx.Done():
			return nil, errNothing
		case <-n.stopped:
			return nil, ErrStopped
		case <-nudge.C:
		}
	}
}

// nudge submits a transaction, unless some are on their way already: whoever asks for checkpoints over and over, in vain,
// makes a cluster do something that has nothing to do, but no more than one client would.
func (n *Node) nudge() {
	if count, _ := n.pool.Load(); count == 0 {
		_ = n.TrySubmit(fair.Key{}, &replica.Tick{}, replica.Token{}) // fails if there is enough to do
	}
}

// certified returns the last checkpoint if it is of that round or later, and certified, or nil.
func (n *Node) certified(round uint64) (*certified, error) {
	// It is asked for fifty times a second while a peer waits, who may ask for what never comes: the disk is not read for that.
	if k := n.kept.Load(); k != nil && (k.round < round || n.ballots.certificate(k.round, k.digest) == nil) {
		return nil, nil
	}
	v, err := n.cfg.Disk.View()
	switch {
	case errors.Is(err, store.ErrNoCheckpoint):
		return nil, nil
	case err != nil:
		return nil, n.unreadable(err)
	}
	m, err := decodeMeta(v.Meta)
	if err != nil {
		v.Close()
		return nil, n.unreadable(err)
	}
	c := &certified{View: v, digest: m.digest, votes: n.ballots.certificate(m.round, m.digest)}
	if m.round < round || c.votes == nil {
		v.Close()
		return nil, nil
	}
	return c, nil
}

// unreadable logs why a peer cannot be served.
func (n *Node) unreadable(why error) error {
	n.cfg.Logger.Error("checkpoint cannot be read for a peer", zap.Error(why))
	return errUnreadable
}
