package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/foxmq/foxmq/internal/sim"
)

// row is what came of the runs of one kind.
type row struct {
	runs, small int
	rounds      uint64
	events      int
	virtual     time.Duration
	took        time.Duration // by a worker, which may have had to wait for its core
	decided     []int         // rounds, by how many rounds above the vote stood that decided the last candidate
	failures    int
}

func (r *row) add(o *row) {
	r.runs += o.runs
	r.small += o.small
	r.rounds += o.rounds
	r.events += o.events
	r.virtual += o.virtual
	r.took += o.took
	r.failures += o.failures
	for d, n := range o.decided {
		for len(r.decided) <= d {
			r.decided = append(r.decided, 0)
		}
		r.decided[d] += n
	}
}

// note adds a run to the table. The first failures of their sort are shrunk.
func (s *soak) note(sc sim.Scenario, r sim.Result, f *sim.Failure, took time.Duration) {
	one := row{
		runs: 1, rounds: r.Rounds, events: r.Events, virtual: r.Elapsed, took: took, decided: r.Decided,
	}
	if sc.Members <= smallMembers {
		one.small = 1
	}
	s.mu.Lock()
	if s.rows[sc.Kind] == nil {
		s.rows[sc.Kind] = &row{}
	}
	if f != nil {
		one.failures = 1
		s.shrunk[sc.Kind+f.Invariant]++
	}
	s.rows[sc.Kind].add(&one)
	first := f != nil && s.shrunk[sc.Kind+f.Invariant] <= shrinkEach
	s.mu.Unlock()
	if f == nil {
		return
	}
	text := fmt.Sprintf("%v\n  replay: %v", f, sc)
	if first {
		text = sim.Report(sc, f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, text)
	fmt.Fprintln(s.w, text)
}

// table tells what came of all runs, in Markdown.
func (s *soak) table() string {
	var b strings.Builder
	b.WriteString("| kind | runs | n ≤ 7 | rounds | events | virtual hours | seeds/s/core | deepest election | failures |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	var all row
	for _, r := range s.rows {
		all.add(r)
	}
	busy := 1.0 // the share of their time in which workers had a core
	if used := cpuTime(); used > 0 {
		busy = min(1, float64(used)/float64(max(1, all.took)))
	}
	for _, kind := range slices.Sorted(maps.Keys(s.rows)) {
		s.rows[kind].line(&b, kind, busy)
	}
	all.line(&b, "all", busy)
	fmt.Fprintf(&b, "\n%v on %d cores, in which a worker had a core %.0f %% of its time. Rounds decided, by how many rounds above the last vote needed stood:",
		time.Since(s.start).Round(time.Second), s.workers, 100*busy)
	for d, n := range all.decided {
		if n > 0 {
			fmt.Fprintf(&b, " %d: %d;", d, n)
		}
	}
	b.WriteString("\n")
	for _, f := range s.failures {
		fmt.Fprintf(&b, "\n```\n%s\n```\n", f)
	}
	return b.String()
}

func (r *row) line(b *strings.Builder, kind string, busy float64) {
	fmt.Fprintf(b, "| %s | %d | %d %% | %d | %d | %.1f | %.1f | %d | %d |\n", kind, r.runs, 100*r.small/max(1, r.runs),
		r.rounds, r.events, r.virtual.Hours(), float64(r.runs)/max(r.took.Seconds()*busy, 1e-9), max(0, len(r.decided)-1), r.failures)
}
