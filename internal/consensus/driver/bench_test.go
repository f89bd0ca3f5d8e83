package driver

import (
	"fmt"
	"testing"
)

// BenchmarkCluster runs nodes that have transactions all the time, and tells what it costs one of them to take in one
// event: with all that it sends and creates, without signatures.
func BenchmarkCluster(b *testing.B) {
	for _, members := range []int{4, 31} {
		b.Run(fmt.Sprintf("n=%d", members), func(b *testing.B) {
			c := startCluster(b, members, 10*ms, Limits{})
			work := func(events int) {
				for end := c.taken + events; c.taken < end; {
					for i := range c.nodes {
						c.submit(i, 1)
						c.run(20 * ms / int64(members))
					}
				}
			}
			work(50_000)
			for _, n := range c.nodes {
				n.made = nil
			}
			b.ReportAllocs()
			b.ResetTimer()
			rounds := c.nodes[0].Status().Pending
			work(b.N)
			b.ReportMetric(float64(b.N)/float64(members*members)/float64(c.nodes[0].Status().Pending-rounds), "events/round/member")
		})
	}
}
