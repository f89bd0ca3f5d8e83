package broker

import (
	"sync/atomic"

	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

const (
	// leastShare in bytes is what a client's queue may hold however much the others do.
	leastShare = 64 << 10
	// sharedFrom in bytes is how large a message is whose bytes count once, however many clients it waits for. To
	// keep account of who still has a smaller one would cost more than it gains.
	sharedFrom = 256
)

// queueTotal bounds what waits to be sent to all clients together, what writers hold in their hands included.
//
// Of one half of the total a queue may hold as much as is free: so n clients that never read leave one part in n+1 of it
// to others (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998). The other
// half is for queues that hold no more than their fair share of it: so who reads has room also when clients that never
// read came one after the other, and the first took more than is fair by now.
type queueTotal struct {
	most  int64
	taken atomic.Int64
	fresh int64 // taken too, but not published; the apply goroutine's
}

// hasRoom tells whether the queue of one of so many clients, which holds so many bytes, may take so many more. It belongs
// to the apply goroutine, as do take, publish and share.
func (t *queueTotal) hasRoom(held, more int, clients int64) bool {
	if held <= leastShare {
		return true
	}
	half, free := t.most/2, t.most-t.taken.Load()-t.fresh
	size := int64(held + more)
	return size <= free-half || size <= half/max(1, clients) && int64(more) <= free
}

// take counts an entry that has been queued.
func (t *queueTotal) take(e *session.Entry[outgoing]) {
	t.fresh += ownCost(e)
	if b := e.Message.body; b != nil {
		b.holders.Add(1)
	}
}

// publish shows what has been taken to everybody else.
func (t *queueTotal) publish() {
	if t.fresh != 0 {
		t.taken.Add(t.fresh)
		t.fresh = 0
	}
}

// body counts the bytes of a message that waits for several clients, until the last of them is done with it.
type body struct {
	size    int64
	holders atomic.Int64
}

// share returns the body of a message for so many clients, which the caller has to let go; nil if none is worth while.
func (t *queueTotal) share(m *replica.Message, clients int) *body {
	size := messageSize(m)
	if clients < 2 || size < sharedFrom {
		return nil
	}
	b := &body{size: int64(size)}
	b.holders.Store(1)
	t.fresh += b.size
	return b
}

// letGo takes one holder from a body, if there is one.
func (t *queueTotal) letGo(b *body) {
	if b != nil && b.holders.Add(-1) == 0 {
		t.taken.Add(-b.size)
	}
}

// ownCost in bytes is what an entry costs beside its body.
func ownCost(e *session.Entry[outgoing]) int64 {
	switch b := e.Message.body; {
	case e.Free:
		return 0
	case b != nil:
		return int64(e.Size) - b.size
	default:
		return int64(e.Size)
	}
}

// cost is that of entries which have left a queue.
type cost struct {
	bytes  int // that they counted in the queue
	own    int64
	bodies []*body
}

func (c *cost) add(e *session.Entry[outgoing]) {
	if e.Free {
		return
	}
	c.bytes += e.Size
	c.own += ownCost(e)
	if b := e.Message.body; b != nil {
		c.bodies = append(c.bodies, b)
	}
}

// release gives back what entries have cost, and makes c ready for others.
func (t *queueTotal) release(c *cost) {
	if c.own != 0 {
		t.taken.Add(-c.own)
	}
	for _, b := range c.bodies {
		t.letGo(b)
	}
	clear(c.bodies)
	c.bytes, c.own, c.bodies = 0, 0, c.bodies[:0]
}

// abandon gives back what a queue holds that nobody will send. It is called with mu held, and leaves the work to a helper:
// the queue may be long.
func (c *client) abandon(s *session.Session[outgoing]) {
	if s.Bytes() == 0 {
		return
	}
	c.helpers.Go(func() {
		var left cost
		for e := range s.Counted() {
			left.add(e)
		}
		c.broker.queued.release(&left)
	})
}
