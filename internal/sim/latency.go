package sim

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Case is a cluster of correct nodes whose latency is measured: the time from the submission of a transaction at one
// node until a node has it ordered, over all transactions and all nodes.
type Case struct {
	Links   string
	Members int
	Down    int // members that never start
	Layout  Layout
	Delay   time.Duration // the mean over all pairs of members: δ
	Jitter  float64
	Gap     int     // mean time in δ between the transactions of one node
	Goal    Latency // zero if there is none
}

// Latency is the distribution of how long ordering took, and what it cost.
type Latency struct {
	P50, P99, Mean time.Duration
	Events         float64 // made per node and round
}

// Gaps between transactions: a moderate load, and transactions that find the cluster idle.
const (
	moderate = 5
	rare     = 400
)

// Goals returns the cases for which there are goals.
func Goals() []Case {
	const ms = time.Millisecond
	equal := Case{Links: "equal", Members: 4, Delay: 10 * ms, Jitter: 0.1, Gap: moderate}
	equal.Goal = Latency{P50: 62 * ms, P99: 75 * ms}
	down := equal
	down.Down, down.Goal = 1, Latency{P50: 65 * ms, P99: 78 * ms}
	return []Case{
		equal, down,
		{"US/EU", 4, 0, Atlantic, 42 * ms, 0.1, moderate, Latency{P50: 260 * ms, P99: 340 * ms}},
		{"seven regions", 7, 0, Global, 76 * ms, 0.1, moderate, Latency{P50: 540 * ms, P99: 780 * ms}},
		{"seven regions", 31, 0, Global, 65 * ms, 0.1, moderate, Latency{P50: 560 * ms, P99: 730 * ms}},
	}
}

// Cases returns clusters of all sizes on all sorts of links, with all members up and with f down, those with goals
// among them.
func Cases() []Case {
	const ms = time.Millisecond
	goals := Goals()
	var all []Case
	for _, n := range []int{4, 7, 13, 31} {
		world := map[int]time.Duration{4: 60 * ms, 7: 76 * ms, 13: 70 * ms, 31: 65 * ms}[n]
		for _, c := range []Case{
			{Links: "equal", Layout: Equal, Delay: 10 * ms, Jitter: 0.1, Gap: moderate},
			{Links: "equal, rare", Layout: Equal, Delay: 10 * ms, Jitter: 0.1, Gap: rare},
			{Links: "jitter", Layout: Equal, Delay: 10 * ms, Jitter: 1.6, Gap: moderate},
			{Links: "US/EU", Layout: Atlantic, Delay: 42 * ms, Jitter: 0.1, Gap: moderate},
			{Links: "two sites", Layout: TwoSites, Delay: 42 * ms, Jitter: 0.1, Gap: moderate},
			{Links: "seven regions", Layout: Global, Delay: world, Jitter: 0.1, Gap: moderate},
		} {
			for _, c.Down = range []int{0, faults(n)} {
				c.Members = n
				c.Goal = Latency{}
				if i := slices.IndexFunc(goals, c.like); i >= 0 {
					c.Goal = goals[i].Goal
				}
				all = append(all, c)
			}
		}
	}
	return all
}

// like tells whether two cases differ in their goals only.
func (c Case) like(o Case) bool {
	c.Goal = o.Goal
	return c == o
}

// runs is how often a case is run, with another seed each time, so that the few elections that are drawn out by bad
// luck weigh no more than they are worth.
const runs = 4

// Measure runs the case. Large clusters run once and for fewer rounds, with more transactions in each; but long enough
// that the first rounds, before any delay was measured, weigh little.
func (c Case) Measure() (Latency, *Failure) {
	sc := Scenario{Kind: "latency", Members: c.Members, Rounds: 200}
	sc.Network = Network{Layout: c.Layout, Delay: int64(c.Delay), Jitter: c.Jitter}
	sc.Gap, sc.Dead = int64(c.Gap)*int64(c.Delay), c.Down
	last := uint64(runs)
	if c.Members > 7 {
		sc.Rounds, last = max(90, 900/uint64(c.Members)), 1
	}
	var all []time.Duration
	turns, made := 0.0, 0 // of nodes in rounds; events
	for sc.Seed = 1; sc.Seed <= last; sc.Seed++ {
		r, failure := New(sc).Run()
		if failure != nil {
			return Latency{}, failure
		}
		all = append(all, r.Latency...)
		made += r.Events
		turns += float64(r.Rounds) * float64(c.Members-c.Down)
	}
	return distribution(all, float64(made)/turns), nil
}

func distribution(all []time.Duration, events float64) Latency {
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))] }
	sum := time.Duration(0)
	for _, l := range all {
		sum += l
	}
	return Latency{P50: at(0.5), P99: at(0.99), Mean: sum / time.Duration(len(all)), Events: events}
}

// WriteHead begins a Markdown table of latencies.
func WriteHead(w io.Writer) {
	fmt.Fprintln(w, "| n | down | links | δ | p50 | p99 | mean | p50 | p99 | goal | events |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
}

// WriteRow adds what a case came to.
func (c Case) WriteRow(w io.Writer, l Latency) {
	inDelays := func(t time.Duration) string { return fmt.Sprintf("%.2f δ", float64(t)/float64(c.Delay)) }
	inTime := func(t time.Duration) string { return fmt.Sprintf("%d ms", t.Round(time.Millisecond).Milliseconds()) }
	goal := ""
	if c.Goal != (Latency{}) {
		goal = inTime(c.Goal.P50) + ", " + inTime(c.Goal.P99)
	}
	fmt.Fprintf(w, "| %d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %.2f |\n", c.Members, c.Down, c.Links,
		inTime(c.Delay), inDelays(l.P50), inDelays(l.P99), inDelays(l.Mean), inTime(l.P50), inTime(l.P99), goal, l.Events)
}
