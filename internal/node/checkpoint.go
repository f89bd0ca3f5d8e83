package node

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/store"
)

// When a checkpoint goes to the disk: at a round that has a snapshot, if the last one is that long ago or that much of
// the log was written since.
const (
	checkpointInterval = int64(time.Second) // in ns
	checkpointBytes    = 64 << 20
)

// snapshotEvery is at how many rounds the members compare their states, and at which a node may start again. All members
// must have the same.
const snapshotEvery = 32

// position says how far a machine has come, in the words that members sign at every snapshotEvery-th round.
type position struct {
	round uint64            // the last one applied, a multiple of snapshotEvery
	chain chain             // the stream up to it
	state [sha256.Size]byte // the machine's hash
	base  [sha256.Size]byte // the anchor of the consensus snapshot of the round
}

// digest is what a vote for the position is cast on.
func (p *position) digest() [sha256.Size]byte {
	b := binary.BigEndian.AppendUint64([]byte("foxmq checkpoint"), p.round)
	b = p.chain.append(b)
	b = append(b, p.state[:]...)
	return sha256.Sum256(append(b, p.base[:]...))
}

// meta returns what is written with a checkpoint of the position.
func (p *position) meta(earlier []ownVote) meta {
	return meta{round: p.round, chain: p.chain, state: p.state, digest: p.digest(), votes: earlier}
}

// metaVersion is the first byte of an encoded meta.
const metaVersion = 1

// meta is what is written beside the records of a checkpoint.
type meta struct {
	round  uint64
	chain  chain
	state  [sha256.Size]byte
	digest [sha256.Size]byte // of the position
	votes  []ownVote         // the latest of this node, not the one on this checkpoint
}

// ownVote is what this node found at a round.
type ownVote struct {
	round  uint64
	digest [sha256.Size]byte
}

func (m *meta) append(dst []byte) []byte {
	dst = append(dst, metaVersion)
	dst = binary.BigEndian.AppendUint64(dst, m.round)
	dst = m.chain.append(dst)
	dst = append(dst, m.state[:]...)
	dst = append(dst, m.digest[:]...)
	for _, v := range m.votes {
		dst = binary.BigEndian.AppendUint64(dst, v.round)
		dst = append(dst, v.digest[:]...)
	}
	return dst
}

// errMeta says that the bytes are no meta.
var errMeta = errors.New("malformed description of a checkpoint")

// decodeMeta reads what append wrote.
func decodeMeta(b []byte) (*meta, error) {
	const fixed, each = 1 + 8 + chainSize + 2*sha256.Size, 8 + sha256.Size
	if len(b) < fixed || b[0] != metaVersion || (len(b)-fixed)%each != 0 || (len(b)-fixed)/each > votesKept {
		return nil, errMeta
	}
	m := &meta{round: binary.BigEndian.Uint64(b[1:]), chain: decodeChain(b[9:])}
	copy(m.state[:], b[9+chainSize:])
	copy(m.digest[:], b[9+chainSize+sha256.Size:])
	for rest := b[fixed:]; len(rest) > 0; rest = rest[each:] {
		v := ownVote{round: binary.BigEndian.Uint64(rest)}
		copy(v.digest[:], rest[8:])
		m.votes = append(m.votes, v)
	}
	return m, nil
}

// job is a checkpoint to be written.
type job struct {
	segment uint64
	base    *driver.Snapshot
	meta    []byte
	changes map[string][]byte
}

// checkpointer is the goroutine that writes checkpoints. The loop asks for one only when it is idle.
type checkpointer struct {
	node    *Node
	jobs    chan job
	changes map[string][]byte // that a failed commit left to the next
}

// run writes what is asked for until ctx is done.
func (c *checkpointer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-c.jobs:
			c.write(j)
			c.node.checkpointing.Store(false)
			c.node.served.expire(time.Now())
		}
	}
}

// write commits a checkpoint. If that fails, the log stays as long as it is, and what has changed goes into the next.
func (c *checkpointer) write(j job) {
	if c.changes != nil {
		maps.Copy(c.changes, j.changes)
		j.changes = c.changes
	}
	c.changes = j.changes
	err := c.node.cfg.Disk.Commit(store.Checkpoint{
		Segment: j.segment, Base: j.base.Append(nil), Meta: j.meta, Changes: j.changes,
	})
	if err != nil {
		c.node.cfg.Logger.Error("checkpoint cannot be written", zap.Error(err))
		return
	}
	c.changes = nil
}

// take notes, after a round with a snapshot has been applied, what the machine has come to. Where the round begins a
// segment of the log, it is what the checkpointer is to write.
func (a *applier) take(s *stage) {
	n := a.node
	a.machine.Flush(func(key, value []byte) {
		if n.cfg.Disk != nil {
			a.changes[string(key)] = value
		}
	})
	p := position{
		round: s.Number, chain: *n.chain.Load(), state: a.machine.Hash(), base: s.snapshot.Anchor(),
	}
	earlier := n.ballots.own()
	n.vote(p.round, p.digest())
	if s.segment == 0 {
		return
	}
	m := p.meta(earlier)
	a.jobs <- job{segment: s.segment, base: s.snapshot, meta: m.append(nil), changes: a.changes}
	a.changes = map[string][]byte{}
}

// rotate begins a segment of the log if a checkpoint is due, and returns its number, or 0. What Ready lists comes into
// it, though some of that the snapshot holds already.
func (l *loop) rotate(r *driver.Ready) (uint64, error) {
	n := l.node
	now := n.cfg.Now()
	due := now >= l.checkpointed+checkpointInterval || l.logged >= checkpointBytes
	if n.cfg.Disk == nil || len(r.Snapshots) == 0 || !due || n.checkpointing.Load() {
		return 0, nil
	}
	segment, err := n.cfg.Disk.Rotate()
	if err != nil {
		return 0, fmt.Errorf("begin a segment: %w", err)
	}
	n.checkpointing.Store(true)
	l.checkpointed, l.logged = now, 0
	return segment, nil
}
