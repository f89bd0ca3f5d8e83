package gossip

import (
	"context"
	"sync"
	"time"
)

// pacerSlack is how far a pacer may fall behind its rate and still catch up: by so much, timers ring late.
const pacerSlack = 10 * time.Millisecond

// pacer spreads over time what several goroutines write, so that all together keep to a rate and take turns.
type pacer struct {
	rate int // bytes per second

	mu   sync.Mutex
	next time.Time // when what has been granted will have gone at the rate, guarded by mu
}

// wait returns when n more bytes may go, or with an error when the context has ended.
func (p *pacer) wait(ctx context.Context, n int) error {
	if pause := p.grant(time.Now(), n); pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// grant returns how long to wait before n more bytes may go.
func (p *pacer) grant(now time.Time, n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := now.Add(-pacerSlack); p.next.Before(earliest) {
		p.next = earliest
	}
	pause := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	return pause
}
