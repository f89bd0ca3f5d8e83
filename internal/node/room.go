package node

import (
	"context"

	"github.com/foxmq/foxmq/internal/fair"
)

// largeCost is from what cost in bytes on a transaction is large.
const largeCost = 64 << 10

// room is the bound on what waits to be ordered. Who waits for room gets it in turn; and large transactions leave a quarter
// to the others, whose turn would otherwise come only after one large transaction of everybody else's.
//
// Concurrency: safe for use by many goroutines.
type room struct {
	size  int64 // of all
	most  int64 // of large; a transaction that is larger takes all of it
	all   *fair.Semaphore
	large *fair.Semaphore // taken by large transactions before all
}

func newRoom(bytes int) *room {
	size := int64(bytes)
	most := size - size/4
	return &room{size: size, most: most, all: fair.NewSemaphore(size, credit), large: fair.NewSemaphore(most, credit)}
}

// take waits for room until ctx is done.
func (r *room) take(ctx context.Context, from fair.Key, cost int64) error {
	if cost < largeCost {
		return r.all.Acquire(ctx, from, cost)
	}
	large := min(cost, r.most)
	if err := r.large.Acquire(ctx, from, large); err != nil {
		return err
	}
	err := r.all.Acquire(ctx, from, cost)
	if err != nil {
		r.large.Release(large)
	}
	return err
}

// tryTake reports whether there is room.
func (r *room) tryTake(from fair.Key, cost int64) bool {
	if cost < largeCost {
		return r.all.TryAcquire(from, cost)
	}
	large := min(cost, r.most)
	if !r.large.TryAcquire(from, large) {
		return false
	}
	ok := r.all.TryAcquire(from, cost)
	if !ok {
		r.large.Release(large)
	}
	return ok
}

// give gives back what a transaction of that cost has taken.
func (r *room) give(cost int64) {
	r.all.Release(cost)
	if cost >= largeCost {
		r.large.Release(min(cost, r.most))
	}
}
