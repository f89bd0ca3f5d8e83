package sim

import (
	"flag"
	"os"
	"testing"
)

var latencyTable = flag.Bool("latency", false, "TestLatency measures every case and prints a table")

// TestLatency holds the time that ordering takes against its goals; all of it is virtual. The cluster of 31 is left
// to the table.
func TestLatency(t *testing.T) {
	t.Parallel()
	cases := Goals()
	if *latencyTable {
		cases = Cases()
		WriteHead(os.Stdout)
	}
	for _, c := range cases {
		if c.Members > 7 && !*latencyTable {
			continue
		}
		l, failure := c.Measure()
		if failure != nil {
			t.Fatalf("%+v: %v", c, failure)
		}
		if *latencyTable {
			c.WriteRow(os.Stdout, l)
		} else {
			t.Logf("%d members, %d down, %s: %+v", c.Members, c.Down, c.Links, l)
		}
		if c.Goal != (Latency{}) && (l.P50 > c.Goal.P50 || l.P99 > c.Goal.P99) {
			t.Errorf("%d members, %d down, %s: p50 %v, p99 %v; at most %v and %v", c.Members, c.Down, c.Links,
				l.P50, l.P99, c.Goal.P50, c.Goal.P99)
		}
	}
}
