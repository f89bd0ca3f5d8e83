package gossip

import (
	"math/rand/v2"
	"time"
)

// backoff counts out the pauses between attempts.
type backoff struct {
	least, most time.Duration
	step        time.Duration // the next pause before jitter; 0 stands for least
}

// next returns the next pause, drawn from the upper half of a step that doubles each time up to most: nodes which lost
// each other at one moment do not go on to meet at every later one.
func (b *backoff) next() time.Duration {
	b.step = max(b.step, b.least)
	pause := b.step/2 + rand.N(b.step/2+1)
	b.step = min(2*b.step, b.most)
	return pause
}

// reset begins again with the least pause; exhaust goes on with the longest.
func (b *backoff) reset() { b.step = 0 }

func (b *backoff) exhaust() { b.step = b.most }

// exhausted reports whether the pauses have become as long as they get.
func (b *backoff) exhausted() bool { return b.step >= b.most }
