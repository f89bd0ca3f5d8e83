package node

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/store"
)

// Disk keeps events and checkpoints through a restart; *store.Store is one.
type Disk interface {
	// Append returns when the records are as safe as the log makes them. After an error none of them counts, and the
	// same may be appended again. What is not urgent may be lost with the machine's power until the next that is.
	Append(records []store.Record, urgent bool) error
	// Rotate makes what is appended from now on stand in a new segment.
	Rotate() (segment uint64, err error)
	// Commit writes a checkpoint: all changes of the state, and a base from which the log leads on with the segment.
	Commit(store.Checkpoint) error
	// Damaged reports whether the state on the disk is known to need a full checkpoint.
	Damaged() bool
	// Disk is also what a node starts again from, and what its peers are served from.
	Archive
}

// Archive is what a disk holds.
type Archive interface {
	Recovered() store.Recovered
	// View is the last checkpoint, NewImport what one that is fetched is collected in.
	View() (*store.View, error)
	NewImport(identity []byte) (*store.Import, error)
	// State calls f with the records of the last checkpoint; Replay with those of the log since, and Old with what is
	// kept of the log before, the oldest first.
	State(f func(key, value []byte) error) error
	Replay(f func(record []byte) error) error
	Old(f func(record []byte) error) error
}

// ErrCorrupt says that what the disk holds cannot be read or contradicts itself. Its directory is to be put aside: the
// node can start without, and gets the state from its peers.
var ErrCorrupt = errors.New("the data directory is corrupt")

// replayPiece is how many events are replayed at once.
const replayPiece = 256

// restore brings the driver and the machine to where the node was when it stopped, as far as the disk tells.
func (n *Node) restore(ctx context.Context, l *loop, a *applier) error {
	if n.cfg.Disk == nil {
		return nil
	}
	r := n.cfg.Disk.Recovered()
	if err := n.report(&r); err != nil {
		return err
	}
	if r.Base != nil {
		if err := n.restoreCheckpoint(ctx, l, a, &r); err != nil {
			return fmt.Errorf("restore the checkpoint: %w", err)
		}
	}
	events, err := n.replay(ctx, l, a)
	if err != nil {
		return fmt.Errorf("replay the log: %w", err)
	}
	n.installed.Store(r.Base != nil && events == 0) // a checkpoint of its own is followed by what came with it
	if err := n.recollect(ctx, l); err != nil {
		n.cfg.Logger.Warn("older part of the log cannot be read", zap.Error(err))
	}
	l.orphans = a.machine.Connections(n.cfg.Self) > 0
	a.publishProgress()
	n.watchDeadline(a.machine)
	own := uint64(0)
	if last := n.last.Load(); last != nil {
		own = last.Seq
	}
	n.cfg.Logger.Info("restored from disk", zap.Uint64("index", a.machine.Index()),
		zap.Uint64("round", l.driver.Status().Pending), zap.Uint64("own", own))
	return ctx.Err()
}

// report logs what is wrong with the disk. A node that is alone has nobody to get from what is lost in the middle of its
// log.
func (n *Node) report(r *store.Recovered) error {
	if r.CutBytes > 0 {
		n.cfg.Logger.Warn("the log's end was torn and has been cut", zap.Int64("bytes", r.CutBytes))
	}
	if r.Unsure {
		n.cfg.Logger.Warn("this machine has lost power, and with it maybe the last events of this node; if others have, too, it waits for all members to tell of them, 10 s at most")
	}
	if r.Corrupt == nil {
		return nil
	}
	if len(n.cfg.Keys) == 1 {
		return fmt.Errorf("the log is corrupt and there is no peer to repair it from; restore a backup: %w", r.Corrupt)
	}
	n.cfg.Logger.Error("the log is corrupt; what comes after is fetched from peers", zap.Error(r.Corrupt))
	return nil
}

// restoreCheckpoint makes the driver and the machine of the last checkpoint, whose parts must be of one position.
func (n *Node) restoreCheckpoint(ctx context.Context, l *loop, a *applier, r *store.Recovered) error {
	m, err := decodeMeta(r.Meta)
	if err != nil {
		return corrupt(err)
	}
	base, err := driver.DecodeSnapshot(r.Base, n.cfg.Domain)
	if err != nil {
		return corrupt(err)
	}
	if l.driver, err = driver.Restore(l.config(), *base, n.cfg.Now()); err != nil {
		return corrupt(err)
	}
	if a.machine, err = n.load(ctx); err != nil {
		return err
	}
	p := position{round: base.Round, chain: m.chain, state: a.machine.Hash(), base: base.Anchor()}
	if p.digest() != m.digest {
		return corrupt(errors.New("its parts do not belong together"))
	}
	_ = base.EachEvent(func(e *event.Event) error { n.note(e); return nil })
	n.chain.Store(&m.chain)
	for _, v := range m.votes {
		n.vote(v.round, v.digest)
	}
	n.vote(m.round, m.digest)
	n.kept.Store(&ownVote{m.round, m.digest})
	return nil
}

// corrupt marks an error that says that what could be read makes no sense. One of reading is not marked: the disk may do
// better the next time, and a store tells of damage itself.
func corrupt(err error) error {
	if errors.Is(err, store.ErrVersion) || errors.Is(err, driver.ErrVersion) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// load makes a machine of the records on the disk.
func (n *Node) load(ctx context.Context) (*replica.Machine, error) {
	var failed error
	records := iter.Seq2[[]byte, []byte](func(yield func(key, value []byte) bool) {
		failed = n.cfg.Disk.State(func(key, value []byte) error {
			if !yield(key, value) {
				return errStop
			}
			return ctx.Err()
		})
	})
	m, err := replica.Load(len(n.cfg.Keys), replica.DefaultLimits, records)
	switch {
	case failed != nil && !errors.Is(failed, errStop):
		return nil, failed
	case err != nil:
		return nil, corrupt(err)
	}
	return m, nil
}

// errStop ends a walk.
var errStop = errors.New("enough")

// replay takes in what the log holds since the checkpoint, and applies what that decides. Its effects were had before:
// nobody is connected yet. It returns how many events there were.
func (n *Node) replay(ctx context.Context, l *loop, a *applier) (events int, err error) {
	err = n.pieces(ctx, n.cfg.Disk.Replay, func(piece []*event.Event) {
		events += len(piece)
		for _, e := range piece {
			n.note(e)
		}
		l.driver.Replay(piece, n.cfg.Now())
		r := l.driver.Ready()
		for _, s := range stages(&r, 0) {
			a.again(&s)
		}
		l.driver.Advance()
		n.replayed.Store(a.machine.Index())
	})
	return events, err
}

// recollect gives the driver what the log still holds from before the checkpoint, for peers that lag.
func (n *Node) recollect(ctx context.Context, l *loop) error {
	return n.pieces(ctx, n.cfg.Disk.Old, l.driver.Recollect)
}

// pieces reads events by read and gives them to f in pieces, the last of which may be empty; until ctx is done.
func (n *Node) pieces(ctx context.Context, read func(func(record []byte) error) error, f func([]*event.Event)) error {
	piece := make([]*event.Event, 0, replayPiece)
	err := read(func(record []byte) error {
		e, _, err := event.Decode(record, n.cfg.Domain)
		if err != nil {
			return corrupt(err)
		}
		if piece = append(piece, e); len(piece) == replayPiece {
			f(piece)
			piece = piece[:0]
		}
		return ctx.Err()
	})
	if err == nil {
		f(piece)
	}
	return err
}

// note remembers the newest own event.
func (n *Node) note(e *event.Event) {
	if last := n.last.Load(); e.Creator == n.cfg.Self && (last == nil || e.Seq > last.Seq) {
		n.last.Store(e)
	}
}

// again applies a round in which nobody takes part any more.
func (a *applier) again(s *stage) {
	for i := range s.Events {
		o := &s.Events[i]
		var res replica.Result
		a.effects = a.effects[:0]
		o.Event.EachTransaction(func(i int, tx []byte) {
			a.machine.Apply(o.Time+int64(i)*tick, o.Event.Creator, tx, &res)
			a.effects = res.AppendDigest(a.effects)
		})
		a.link(o)
	}
	if s.snapshot != nil {
		a.take(s)
	}
}
