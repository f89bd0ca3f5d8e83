package consensus_test

import (
	"fmt"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
)

// BenchmarkInsert inserts the events of a cluster whose members build on nearly all that there is.
func BenchmarkInsert(b *testing.B) {
	for _, n := range []int{4, 7, 31} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			events := gossip(b, n, 300*n, 2, 1)
			b.ReportAllocs()
			rounds := 0
			for b.Loop() {
				b.StopTimer()
				e := consensus.New(consensus.Config{Members: n})
				b.StartTimer()
				for _, ev := range events {
					rounds += len(e.Insert(ev))
				}
			}
			inserts := float64(b.N * len(events))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/inserts, "ns/insert")
			b.ReportMetric(inserts/float64(rounds), "inserts/round")
		})
	}
}
