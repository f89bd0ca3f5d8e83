package gossip

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// How often one notice is logged: a few times at once, and then once a minute.
const (
	noticeBurst     = 4
	noticePerSecond = 1.0 / 60
)

// notice is one kind of thing that the log says, about one peer or about strangers. A peer that comes again and
// again does not flood the log with it.
type notice struct {
	mu         sync.Mutex
	spent      allowance // guarded by mu
	suppressed int       // lines not logged since the last one that was, guarded by mu
}

// warn logs a warning, info what is not one.
func (n *notice) warn(log *zap.Logger, message string, fields ...zap.Field) {
	n.log(log, zapcore.WarnLevel, message, fields)
}

func (n *notice) info(log *zap.Logger, message string, fields ...zap.Field) {
	n.log(log, zapcore.InfoLevel, message, fields)
}

// log logs the line, with the number of those suppressed before it, if the rate allows.
func (n *notice) log(log *zap.Logger, level zapcore.Level, message string, fields []zap.Field) {
	suppressed, ok := n.allow(time.Now())
	if !ok {
		return
	}
	if suppressed > 0 {
		fields = append(fields, zap.Int("suppressed", suppressed))
	}
	log.Log(level, message, fields...)
}

func (n *notice) allow(now time.Time) (suppressed int, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.spent.take(now, noticeBurst, noticePerSecond) {
		n.suppressed++
		return 0, false
	}
	suppressed, n.suppressed = n.suppressed, 0
	return suppressed, true
}
