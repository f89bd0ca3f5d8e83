package node

import (
	"context"
	"time"
)

// sleep waits until something happens or something is due. It reports whether a checkpoint has taken the place of all
// that this loop works on.
func (l *loop) sleep(ctx context.Context) (installed bool) {
	l.arm()
	select {
	case <-ctx.Done():
	case <-l.node.wakes:
	case i := <-l.node.installs:
		return l.install(i)
	case <-l.timer.C:
		l.due = 0
	}
	return false
}

// retryDisk is after how long what could not be written is tried again, in ns.
const retryDisk = int64(250 * time.Millisecond)

// arm sets the timer to when something is due next, if it is not set so already.
func (l *loop) arm() {
	next := l.next()
	if next == l.due {
		return
	}
	l.due = next
	if next == 0 {
		l.timer.Stop()
		return
	}
	l.timer.Reset(time.Duration(max(0, next-l.node.cfg.Now())))
}

// next returns when something is due: the driver's next tick, the machine's, or a look at who is away. 0: nothing is.
func (l *loop) next() (next int64) {
	if l.stuck {
		return l.node.cfg.Now() + retryDisk
	}
	for _, at := range [...]int64{l.driver.NextTick(), l.nextTick(), l.absences.next()} {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	return next
}
