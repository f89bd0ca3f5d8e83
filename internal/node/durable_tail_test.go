package node_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/store"
)

// gated is a network on which answers with records wait until they are let go.
type gated struct {
	*network
	open chan struct{}

	mu      sync.Mutex
	offers  int // that were asked for; guarded by mu
	records int // and records; guarded by mu
	logs    int // and logs; guarded by mu
}

// Request implements node.Transport.
func (g *gated) Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error) {
	g.mu.Lock()
	wait := false
	switch {
	case request[0] == 2:
		g.logs++
	case [32]byte(request[1:33]) == [32]byte{}:
		g.offers++
	default:
		g.records++
		wait = true
	}
	g.mu.Unlock()
	if wait {
		<-g.open
	}
	return g.network.Request(ctx, peer, request)
}

func (g *gated) asked() (offers, records, logs int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.offers, g.records, g.logs
}

// hurry makes a member's clock run so much faster: with 10 the member is soon out of patience, with 0.1 it never is.
func (d *durable) hurry(i int, factor float64) {
	start := time.Now()
	d.configs[i].Now = func() int64 { return start.UnixNano() + int64(factor*float64(time.Since(start))) }
}

// TestLogBehindACheckpoint: while a node that was wiped fetches a checkpoint, its peers do more than they keep in memory
// for whoever lags, and more than they keep of the log before their last checkpoints. It comes back all the same, without
// another one, and without waiting until it is lost again.
func TestLogBehindACheckpoint(t *testing.T) {
	d := newDurable(t, 4)
	d.keep = -1
	for i := range d.configs {
		d.configs[i].Limits = driver.Limits{KeptEvents: 32}
	}
	d.boot(0, 1, 2, 3)
	d.load(0, 300, 0, 1, 2, 3)
	for i := range 4 {
		d.awaitCheckpoint(i)
	}
	d.mustHalt(3, nil)
	if _, err := store.SetAside(d.path(3), "wiped"); err != nil {
		t.Fatal(err)
	}
	d.hurry(3, 10)
	g := &gated{network: d.members[3].net, open: make(chan struct{})}
	release := sync.OnceFunc(func() { close(g.open) })
	t.Cleanup(release)
	d.members[3].transport = g
	d.boot(3)
	eventually(t, "it fetches records", func() bool {
		d.load(10_000+int(d.members[0].node.Status().Index), 20, 0, 1, 2)
		_, records, _ := g.asked()
		return records > 0
	})
	var before [3]uint64
	for i := range before {
		before[i] = d.stores[i].Stats().Checkpoints
	}
	round := d.members[0].node.Status().Round
	eventually(t, "the others are far ahead, and have made checkpoints", func() bool {
		d.load(1<<20+int(d.members[0].node.Status().Index), 20, 0, 1, 2)
		ahead := d.members[0].node.Status().Round > round+100
		for i := range before {
			ahead = ahead && d.stores[i].Stats().Checkpoints > before[i]+1
		}
		return ahead
	})
	release()
	eventually(t, "it has installed a checkpoint", func() bool { return d.members[3].ended() })
	d.mustHalt(3, node.ErrInstalled)
	offers, _, logs := g.asked()
	d.hurry(3, 0.1)
	d.boot(3)
	eventually(t, "it has asked for a log and takes part", func() bool {
		ready, _ := d.members[3].node.Ready()
		_, _, asked := g.asked()
		return ready && asked > logs || d.members[3].ended()
	})
	if again, _, asked := g.asked(); again != offers || asked == logs {
		t.Errorf("it asked for %d offers and then %d, for %d logs and then %d", offers, again-offers, logs, asked-logs)
	}
	mark := d.agree(0, 0, 1, 2, 3)
	d.load(1<<30, 50, 0, 1, 2, 3)
	d.agree(mark.Index+200, 0, 1, 2, 3)
}
