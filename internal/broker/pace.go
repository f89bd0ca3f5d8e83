package broker

import (
	"errors"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

const (
	// paceBurst is for how long a client that was quiet may publish what it likes: what it may send in that time at its
	// rate, it may send at once.
	paceBurst = 5 * time.Second
	// haste is how long a client may go on publishing as fast as it is read, before it is closed.
	haste = time.Minute
)

// errTooFast ends the connection of a client that does not slow down.
var errTooFast = errors.New("the client publishes too fast")

// meter holds a flow to a rate, by the generic cell rate algorithm (ITU-T I.371, annex A).
type meter struct {
	due int64 // when what has been taken would have come at exactly that rate, on the broker's clock
}

// take takes n of something of which rate are allowed in a second, and returns how long that is too early; a rate of 0
// allows everything.
func (m *meter) take(n, rate int, now int64) time.Duration {
	if rate == 0 {
		return 0
	}
	m.due = max(m.due, now) + int64(n)*second/int64(rate)
	return max(0, time.Duration(m.due-now)-paceBurst)
}

// pace meters publishes.
type pace struct{ messages, bytes meter }

// take takes a publish of so many bytes, and returns how long it is too early.
func (p *pace) take(size, rate, byteRate int, now int64) time.Duration {
	return max(p.messages.take(1, rate, now), p.bytes.take(size, byteRate, now))
}

// keepPace holds up the reader of a client that publishes faster than it, or its user, may. The client loses nothing,
// and its keep alive stands still meanwhile; but one that goes on like that, and never leaves the pause that would have
// spared it the wait, is closed in the end.
func (c *client) keepPace(p *mqtt.Publish) error {
	config, in := &c.broker.config, &c.input
	now, size := c.broker.elapsed(), len(p.Topic)+len(p.Payload)+len(p.Forward)
	wait := in.pace.take(size, config.MaxPublishRate, config.MaxPublishBytes, now)
	if wait = max(wait, c.account.take(size, now)); wait == 0 {
		in.hasty = 0
		return nil
	}
	if in.hasty == 0 {
		in.hasty = now
		c.broker.counters.heldUp.Add(1)
	}
	if time.Duration(now-in.hasty)+wait > haste {
		return errTooFast
	}
	c.pause()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-c.ctx.Done():
		return errClosing
	case <-timer.C:
		return nil
	}
}
