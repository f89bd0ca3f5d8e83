package gossip

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// A kind of complaint about one peer is logged complaintBurst times at once and then once every complaintPause, so
// that a peer which comes again and again does not flood the log.
const (
	complaintBurst = 2
	complaintPause = time.Minute
)

// complaint is one kind of thing that is logged at a bounded rate.
type complaint struct {
	mu         sync.Mutex
	spent      int       // lines logged of the burst, guarded by mu
	last       time.Time // when spent last changed, guarded by mu
	suppressed int       // lines not logged since the last one that was, guarded by mu
}

// log logs the line, with the number of those suppressed before it, if the rate allows.
func (c *complaint) log(log *zap.Logger, message string, fields ...zap.Field) {
	suppressed, ok := c.allow(time.Now())
	if !ok {
		return
	}
	if suppressed > 0 {
		fields = append(fields, zap.Int("suppressed", suppressed))
	}
	log.Warn(message, fields...)
}

func (c *complaint) allow(now time.Time) (suppressed int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if regained := int(now.Sub(c.last) / complaintPause); c.spent > 0 && regained > 0 {
		c.spent = max(0, c.spent-regained)
		c.last = now
	}
	if c.spent == complaintBurst {
		c.suppressed++
		return 0, false
	}
	if c.spent == 0 {
		c.last = now
	}
	c.spent++
	suppressed, c.suppressed = c.suppressed, 0
	return suppressed, true
}
