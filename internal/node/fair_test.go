package node_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
)

// busy is a consumer that takes its time, and measures how long a client's transactions have taken.
type busy struct {
	each time.Duration // for each result

	mu      sync.Mutex
	applied int           // guarded by mu
	longest time.Duration // guarded by mu
	came    int           // of the client; guarded by mu
}

func (*busy) Restored(*replica.Machine) {}

// sent owns the token of a transaction that is measured.
type sent struct{ at time.Time }

// Applied implements node.Consumer.
func (b *busy) Applied(results []replica.Result) {
	time.Sleep(time.Duration(len(results)) * b.each)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.applied += len(results)
	for _, r := range results {
		if s, ok := r.Token.Owner.(*sent); ok {
			b.longest = max(b.longest, time.Since(s.at))
			b.came++
		}
	}
}

func (b *busy) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.applied
}

func client(i int) fair.Key {
	return fair.Key{Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), Client: uint64(i)}
}

// TestWhoPublishesLittleWaitsLittle lets clients publish as much as is taken, so that the pool is always full: that is the
// work of at least 40 ms. Somebody else's messages are applied soon all the same, and the applier has always something to do.
func TestWhoPublishesLittleWaitsLittle(t *testing.T) {
	for _, size := range []int{64, 10_000} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const much, messages, run = 10, 20, 300 * time.Millisecond
				c := newCluster(t, 1, func(_ int, cfg *node.Config) { cfg.PoolBytes = 4 << 20 })
				b := &busy{each: 10*time.Microsecond + time.Duration(size)*10*time.Nanosecond}
				c.members[0].consumer = b
				c.start(0)
				n := c.members[0].node
				ctx, cancel := context.WithTimeout(t.Context(), run)
				defer cancel()
				var clients sync.WaitGroup
				for i := range much {
					clients.Go(func() {
						message := replica.Message{Topic: "much", Payload: make([]byte, size)}
						for n.Submit(ctx, client(i), &replica.Publish{Message: message}, replica.Token{}) == nil {
						}
					})
				}
				time.Sleep(run / 3)
				start, before := time.Now(), b.count()
				for range messages {
					cmd := &replica.Publish{Message: replica.Message{Topic: "little"}}
					if err := n.Submit(ctx, client(much), cmd, replica.Token{Owner: &sent{time.Now()}}); err != nil {
						t.Error(err)
					}
					time.Sleep(5 * time.Millisecond)
				}
				took, applied := time.Since(start), b.count()-before
				time.Sleep(50 * time.Millisecond) // the last ones come
				cancel()
				clients.Wait()
				c.kill(0)
				if b.came != messages || b.longest > 20*time.Millisecond {
					t.Errorf("%d messages came, in up to %v", b.came, b.longest)
				}
				if possible := int(took / b.each); applied < possible*95/100 {
					t.Errorf("%d were applied, and %d could be", applied, possible)
				}
			})
		})
	}
}
