package broker

import (
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// reportDelay and mostUnreported bound how long the stream may not know that a client is done with messages, and with
// how many (docs/semantics.md, "Sessions").
const reportDelay = 100 * time.Millisecond

var mostUnreported = replica.DefaultLimits.Queue / 4

// reported marks an Ack in the stream.
type reported struct {
	client *client
	report session.Report
}

// reportDue reports at once if something waits for it, or if so many messages are done that the state machine's queue may
// overflow for want of news; else not sooner than reportDelay after the last time. The caller holds mu.
func (c *client) reportDue() {
	done, urgent := c.session.Unreported()
	if done == 0 && !urgent {
		return
	}
	wait := reportDelay - time.Duration(c.broker.elapsed()-c.lastReport)
	switch {
	case urgent, done >= mostUnreported, wait <= 0:
		c.report()
	case !c.delayed:
		c.delayed = true
		c.helpers.Go(func() { c.reportAfter(wait) })
	}
}

func (c *client) reportAfter(wait time.Duration) {
	delay := time.NewTimer(wait)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-c.ctx.Done():
		return // finish has reported
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delayed = false
	if c.phase == connected {
		c.report()
	}
}

// report tells the stream what has become of numbered deliveries, if there is any news. It is called with mu held, so it
// leaves the telling to the submitter: the end of the connection waits for that, and comes behind it.
func (c *client) report() {
	if done, urgent := c.session.Unreported(); done == 0 && !urgent || c.over.Load() {
		return
	}
	c.lastReport = c.broker.elapsed()
	r := &reported{client: c, report: c.session.Report()}
	c.enqueue(postponed{
		cmd:   &replica.Ack{Connection: c.number, Received: r.report.Received, Done: r.report.Done},
		token: replica.Token{Owner: r, Kind: tokenOther},
	})
}

// applied sends PUBREL for what the stream now knows to be received, and makes room for more.
func (r *reported) applied() {
	c := r.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != connected {
		return
	}
	for _, id := range c.session.Reported(r.report) {
		c.control = (&mqtt.Pubrel{PacketID: id}).Append(c.control, c.version)
	}
	c.wakeWriter()
}
