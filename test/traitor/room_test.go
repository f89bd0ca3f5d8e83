package traitor

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// TestATraitorKeepsNobodyOut: a member opens connections and says no hello on them, as many as each node has room for. One
// of the others is killed meanwhile and comes back.
func TestATraitorKeepsNobodyOut(t *testing.T) {
	c := cluster.Start(t, 4)
	c.Kill(self)
	m := newTraitor(t, c)
	defer m.throng(t.Context())()
	for _, node := range honest {
		await(t, "no room", func() bool { return look(t, c, node)["gossip_turned_away_total"] > 0 })
	}
	c.Kill(2)
	c.Restart(2)
	c.WaitReady(2)
	newWatch(t, c).expectOrder(t, 30)
	expectBounds(t, c)
	expectTrust(t, c)
}

// throng opens connections with all honest nodes until the function that it returns is called.
func (m *traitor) throng(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var dialling sync.WaitGroup
	for _, node := range honest {
		for range 100 {
			dialling.Go(func() {
				for ctx.Err() == nil {
					conn, err := m.dial(ctx, node)
					if err != nil {
						time.Sleep(10 * time.Millisecond)
						continue
					}
					select {
					case <-conn.Context().Done(): // the node has waited long enough
					case <-ctx.Done():
						_ = conn.CloseWithError(0, "")
					}
				}
			})
		}
	}
	return func() { cancel(); dialling.Wait() }
}
