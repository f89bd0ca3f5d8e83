package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
)

// Errors of Submit and TrySubmit.
var (
	// ErrFull: as much waits to be ordered as may wait.
	ErrFull = errors.New("too much waits to be ordered")
	// ErrTooLarge: the command is larger than any transaction may be.
	ErrTooLarge = errors.New("command too large")
	// ErrStopped: the node stops or has stopped.
	ErrStopped = errors.New("node stopped")
)

// scratch holds buffers for encoding commands outside the lock.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// submit adds a command; it takes its room by acquire.
func (p *pool) submit(from fair.Key, cmd replica.Command, token replica.Token, acquire func(cost int64) error) error {
	if size := publishSize(cmd); size >= largeCost {
		return p.submitLarge(from, cmd, token, size, acquire)
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	*buf = cmd.Append((*buf)[:0])
	cost := len(*buf) + transactionOverhead
	if len(*buf) > replica.MaxCommand || int64(cost) > p.room.size {
		return tooLarge(len(*buf))
	}
	if err := acquire(int64(cost)); err != nil {
		return err
	}
	_, connect := cmd.(*replica.Connect)
	// A copy of its own: in memory that it shared with others, it would keep all of that while they come and go.
	p.add(from, transaction{command: bytes.Clone(*buf), token: token, connect: connect, cost: cost})
	return nil
}

// submitLarge encodes a publish of at most size bytes when there is room for it, so that of those that wait there is no
// second copy.
func (p *pool) submitLarge(from fair.Key, cmd replica.Command, token replica.Token, size int, acquire func(cost int64) error) error {
	cost := size + transactionOverhead
	if int64(cost) > p.room.size {
		return tooLarge(size)
	}
	if err := acquire(int64(cost)); err != nil {
		return err
	}
	command := cmd.Append(make([]byte, 0, size))
	if len(command) > replica.MaxCommand {
		p.room.give(int64(cost))
		return tooLarge(len(command))
	}
	p.add(from, transaction{command: command, token: token, cost: cost})
	return nil
}

func tooLarge(size int) error { return fmt.Errorf("submit %d bytes: %w", size, ErrTooLarge) }

// publishHead is more than what a publish takes in bytes beside its topic, properties and payload.
const publishHead = 64

// publishSize returns how many bytes a publish takes at most, 0 for other commands.
func publishSize(cmd replica.Command) int {
	p, ok := cmd.(*replica.Publish)
	if !ok {
		return 0
	}
	return publishHead + len(p.Message.Topic) + len(p.Message.Properties) + len(p.Message.Payload)
}

// Submit waits for room until ctx is done.
func (p *pool) Submit(ctx context.Context, from fair.Key, cmd replica.Command, token replica.Token) error {
	return p.submit(from, cmd, token, func(cost int64) error { return p.room.take(ctx, from, cost) })
}

// TrySubmit returns ErrFull if there is no room.
func (p *pool) TrySubmit(from fair.Key, cmd replica.Command, token replica.Token) error {
	return p.submit(from, cmd, token, func(cost int64) error {
		if !p.room.tryTake(from, cost) {
			return ErrFull
		}
		return nil
	})
}

// add puts a transaction behind the client's others.
func (p *pool) add(from fair.Key, t transaction) {
	if p.put(from, t) {
		p.wake()
	}
}

// put reports whether the transaction is news.
func (p *pool) put(from fair.Key, t transaction) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += t.cost
	p.waiting.Push(from, t, int64(t.cost))
	idle := !p.news
	p.news = true
	return idle
}
