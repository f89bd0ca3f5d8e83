package node

import (
	"context"
	"errors"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/store"
)

// installation is a checkpoint that was fetched whole.
type installation struct {
	target   *store.Import
	position *position
	base     *driver.Snapshot
	done     chan error // capacity 1: what has come of it
}

// handOver has the loop install a checkpoint. Once it has that in hand, it is waited for whatever ctx says: the import is
// in use.
func (n *Node) handOver(ctx context.Context, i *installation) error {
	i.done = make(chan error, 1)
	select {
	case n.installs <- i:
		return <-i.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Why a checkpoint that was fetched is not installed.
var (
	errBackwards = errors.New("this node has come as far itself")
	errFound     = errors.New("peers hand out again what this node missed")
)

// install makes a checkpoint this node's state from the next start on, and reports whether it did. It is the loop that
// does it, because nothing may be created or written meanwhile: an own event that left and was forgotten would be made
// again, another one with the same number. The last one goes with the checkpoint, for nobody else may have it.
func (l *loop) install(i *installation) bool {
	err := l.installable(i)
	if err == nil {
		if own := l.node.last.Load(); own != nil {
			i.base.AddLast(own)
		}
		m := i.position.meta(nil)
		err = i.target.Install(i.base.Append(nil), m.append(nil), nil)
	}
	i.done <- err
	return err == nil
}

// installable returns why a checkpoint is of no use any more.
func (l *loop) installable(i *installation) error {
	switch {
	case l.driver.State() != driver.Lost:
		return errFound
	case i.position.round < l.driver.Engine().Pending():
		return errBackwards
	}
	return nil
}
