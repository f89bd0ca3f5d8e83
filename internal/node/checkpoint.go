package node

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/store"
)

// When a checkpoint goes to the disk: at a round that has a snapshot, if the last one is long enough ago or that much of
// the log was written since. Long enough is a multiple of the time that the last one took, so that checkpoints leave the
// disk and the processor to the stream, and within bounds.
const (
	checkpointInterval = int64(time.Second)      // at least, in ns
	checkpointLongest  = int64(10 * time.Second) // at most, in ns
	checkpointShare    = 10                      // one part of the time in so many may go into checkpoints
	checkpointBytes    = 64 << 20
	// retryCheckpoint is after how long a checkpoint that could not be written is tried again, and unkeptBytes how much
	// may be written to the log meanwhile.
	retryCheckpoint = time.Second
	unkeptBytes     = 4 * checkpointBytes
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

// decodeMeta reads what append wrote. The error wraps store.ErrVersion if another program wrote it.
func decodeMeta(b []byte) (*meta, error) {
	const fixed, each = 1 + 8 + chainSize + 2*sha256.Size, 8 + sha256.Size
	switch {
	case len(b) > 0 && b[0] != metaVersion:
		return nil, fmt.Errorf("description of a checkpoint: %w %d", store.ErrVersion, b[0])
	case len(b) < fixed, (len(b)-fixed)%each != 0, (len(b)-fixed)/each > votesKept:
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
	full    bool    // the changes are all records
	kept    ownVote // what it is when it is written
}

// checkpointer is the goroutine that writes checkpoints. The loop asks for one only when it is idle.
type checkpointer struct {
	node *Node
	jobs chan job
}

// run writes what is asked for until ctx is done, and has it asked for if the disk needs it.
func (c *checkpointer) run(ctx context.Context) {
	look := time.NewTimer(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			look.Reset(c.look())
		case j := <-c.jobs:
			if c.write(ctx, &j) {
				c.node.unkept.Store(nil)
				c.node.kept.Store(&j.kept)
				c.node.checkpointing.Store(false)
				c.node.tails.expire(time.Now())
			}
		}
	}
}

// lookEvery is after how long the checkpointer looks again whether the disk is well.
const lookEvery = time.Second

// look gives the cluster something to do if the disk needs a checkpoint: one that is idle makes none. It returns when to
// look again.
func (c *checkpointer) look() time.Duration {
	if disk := c.node.cfg.Disk; disk == nil || !disk.Damaged() {
		return lookEvery
	}
	c.node.nudge()
	return nudgeEvery
}

// write commits a checkpoint and reports whether it could. Until then it tries again: the log stays as long as it is,
// and the loop does not let it grow without end.
func (c *checkpointer) write(ctx context.Context, j *job) bool {
	checkpoint := store.Checkpoint{
		Segment: j.segment, Base: j.base.Append(nil), Meta: j.meta, Changes: j.changes, Full: j.full,
	}
	for {
		began := c.node.cfg.Now()
		err := c.node.cfg.Disk.Commit(checkpoint)
		c.node.checkpointTook.Store(c.node.cfg.Now() - began)
		if err == nil || errors.Is(err, store.ErrInstalled) {
			return err == nil
		}
		c.failed(err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retryCheckpoint):
		}
	}
}

// failed tells that a checkpoint could not be written. A state that is damaged on the disk will not take any. Where the
// others can do without this node they have it, for what is on the disk to be put aside.
func (c *checkpointer) failed(err error) {
	n := c.node
	if damage := (*store.CorruptError)(nil); errors.As(err, &damage) && n.ballots.faults > 0 {
		n.fail(fmt.Errorf("write a checkpoint: %w", err))
		return
	}
	if n.unkept.Swap(&err) == nil {
		n.cfg.Logger.Error("checkpoint cannot be written; it is tried again and again", zap.Error(err))
	}
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
	j := job{
		segment: s.segment, base: s.snapshot, meta: m.append(nil), changes: a.changes, full: n.cfg.Disk.Damaged(),
		kept: ownVote{m.round, m.digest},
	}
	if j.full {
		a.machine.EachRecord(func(key, value []byte) { j.changes[string(key)] = value })
	}
	a.jobs <- j
	a.changes = map[string][]byte{}
}

// rotate begins a segment of the log if a checkpoint is due, and returns its number, or 0. What Ready lists comes into
// it, though some of that the snapshot holds already. It must not stay empty: the next one would have its number, and
// its base would take the place of this one's before the rest of that checkpoint is there.
func (l *loop) rotate(r *driver.Ready) (uint64, error) {
	n := l.node
	now := n.cfg.Now()
	due := now >= l.checkpointed+n.checkpointPause() || l.logged >= checkpointBytes
	if n.cfg.Disk == nil || len(r.Snapshots) == 0 || len(r.Persist) == 0 || !due || n.checkpointing.Load() {
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

// checkpointPause returns how long after a checkpoint the next one is begun, in ns.
func (n *Node) checkpointPause() int64 {
	return min(max(checkpointShare*n.checkpointTook.Load(), checkpointInterval), checkpointLongest)
}
