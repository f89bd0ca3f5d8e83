package broker

import (
	"context"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// backlog is what a client wants to submit while the stream is full, but for the publishes of those that are not read
// on meanwhile. The Receive Maximum bounds the number of publishes, and awaitBacklog everything else. Reports take this
// way always. A submitter goroutine runs as long as the backlog is not empty.
type backlog struct {
	waiting []postponed
	bytes   int
}

// postponed is a command in a backlog.
type postponed struct {
	cmd      replica.Command
	token    replica.Token
	size     int
	deadline time.Time // of a publish; zero for everything else
}

// postpone puts a command into the backlog.
func (c *client) postpone(p postponed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enqueue(p)
}

// enqueue is postpone with mu held.
func (c *client) enqueue(p postponed) {
	c.backlog.waiting = append(c.backlog.waiting, p)
	c.backlog.bytes += p.size
	if len(c.backlog.waiting) == 1 {
		c.helpers.Go(c.submitPostponed)
	}
}

// submitPostponed is the submitter goroutine.
func (c *client) submitPostponed() {
	for head := c.backlogHead(); ; {
		c.submitOne(head)
		var more bool
		if head, more = c.backlogNext(); !more {
			return
		}
	}
}

func (c *client) backlogHead() postponed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.backlog.waiting[0]
}

// backlogNext drops the head and returns the next one.
func (c *client) backlogNext() (postponed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &c.backlog
	b.bytes -= b.waiting[0].size
	b.waiting[0] = postponed{}
	b.waiting = b.waiting[1:]
	c.change.Broadcast()
	if len(b.waiting) == 0 {
		b.waiting = nil
		return postponed{}, false
	}
	return b.waiting[0], true
}

// submitOne submits a postponed command, or gives it up: a CONNECT when its client has left, a publish after its
// deadline, which is then answered 0x97 (docs/semantics.md, "Publishing"), and anything else when the broker stops.
func (c *client) submitOne(p postponed) {
	if !c.announced.Load() {
		return // its CONNECT has been given up, so nothing else would have an effect
	}
	ctx := c.broker.quit
	switch {
	case p.token.Kind == tokenConnect:
		ctx = c.ctx
	case !p.deadline.IsZero():
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, p.deadline)
		defer cancel()
	}
	if c.broker.config.Stream.Submit(ctx, c.from, p.cmd, p.token) != nil {
		c.giveUpOn(p)
	}
}

func (c *client) giveUpOn(p postponed) {
	switch {
	case p.token.Kind == tokenConnect:
		c.announced.Store(false)
	case !p.deadline.IsZero():
		c.concluded()
		c.broker.counters.refusedPublishes.Add(1)
		c.acknowledge(p.token, mqtt.QuotaExceeded)
		c.wake()
	}
}

// awaitBacklog waits until at most so many bytes of commands are postponed, and all of them are gone if that is 0.
func (c *client) awaitBacklog(bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.backlog.bytes > bytes || bytes == 0 && len(c.backlog.waiting) > 0 {
		c.rest()
	}
}

func (c *client) hasBacklog() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.backlog.waiting) > 0
}
