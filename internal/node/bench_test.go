package node_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/replica"
)

// counter is a consumer that only counts.
type counter struct {
	applied atomic.Int64
	want    int64
	done    chan struct{}
}

func (*counter) Restored(*replica.Machine) {}

// Applied implements node.Consumer.
func (c *counter) Applied(results []replica.Result) {
	if after := c.applied.Add(int64(len(results))); after >= c.want && after-int64(len(results)) < c.want {
		close(c.done)
	}
}

// BenchmarkSubmitToApplied measures transactions from Submit to Applied, on every node of the cluster: a PUBLISH of
// 64 bytes each, submitted by one goroutine per node.
func BenchmarkSubmitToApplied(b *testing.B) {
	for _, nodes := range []int{1, 4} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) { benchmark(b, nodes) })
	}
}

func benchmark(b *testing.B, nodes int) {
	c := newCluster(b, nodes, nil)
	counters := make([]*counter, nodes)
	each := b.N/nodes + 1
	for i, m := range c.members {
		counters[i] = &counter{want: int64(nodes * (each + 1)), done: make(chan struct{})}
		m.consumer = counters[i]
	}
	for i := range nodes {
		c.start(i)
	}
	for _, m := range c.members {
		eventually(b, "ready", func() bool { ready, _ := m.node.Ready(); return ready })
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i, m := range c.members {
		go publishMany(b, m.node, i, each)
	}
	for _, counter := range counters {
		<-counter.done
	}
	b.ReportMetric(float64(nodes*each)/b.Elapsed().Seconds(), "tx/s")
}

func publishMany(b *testing.B, n *node.Node, i, count int) {
	ctx := context.Background()
	if err := n.Submit(ctx, fair.Key{}, &replica.Connect{Connection: 1, ClientID: fmt.Sprint(i)}, replica.Token{}); err != nil {
		b.Error(err)
	}
	message := replica.Message{Topic: fmt.Sprintf("bench/%d/topic", i), Payload: make([]byte, 64)}
	cmd := &replica.Publish{Connection: 1, Message: message}
	for range count {
		if err := n.Submit(ctx, fair.Key{}, cmd, replica.Token{}); err != nil {
			b.Error(err)
			return
		}
	}
}
