package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/sim"
)

const (
	// smallMembers is the size of the clusters that most runs of a soak are about.
	smallMembers = 7
	// traceEvery says which runs are made twice, to compare their traces.
	traceEvery = 50
	// shrinkEach is how many failures of one kind and invariant are shrunk.
	shrinkEach = 2
	// progressEvery is how often a soak says how far it is.
	progressEvery = 30 * time.Second
	// drawTries bounds how many seeds are passed over to find a small cluster.
	drawTries = 50
)

// soak is many runs, on all cores. Its workers share it under its lock.
type soak struct {
	options
	w     io.Writer
	start time.Time

	mu       sync.Mutex
	kinds    []string          // in turn; empty if the seed says the kind
	used     map[string]uint64 // seeds, by kind
	jobs     int
	large    int // of them, with more than smallMembers
	rows     map[string]*row
	shrunk   map[string]int // by kind and invariant
	failures []string
}

// job is a run to make.
type job struct {
	number   int
	scenario sim.Scenario
}

func newSoak(o options, w io.Writer) *soak {
	s := &soak{
		options: o,
		w:       w,
		start:   time.Now(),
		used:    map[string]uint64{},
		rows:    map[string]*row{},
		shrunk:  map[string]int{},
	}
	if o.minutes > 0 {
		s.kinds = sim.Kinds()
		if o.kind != "" {
			s.kinds = []string{o.kind}
		}
	}
	return s
}

// run makes runs until the time or the seeds are over, and prints what came of them.
func (s *soak) run(ctx context.Context) error {
	if s.minutes > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Duration(s.minutes*float64(time.Minute)))
		defer stop()
	}
	var workers sync.WaitGroup
	errs := make(chan error, s.workers)
	for range s.workers {
		workers.Go(func() { errs <- s.work(ctx) })
	}
	stopped := make(chan struct{})
	go s.watch(stopped)
	workers.Wait()
	close(stopped)
	for range s.workers {
		if err := <-errs; err != nil {
			return err
		}
	}
	return s.conclude()
}

// watch says now and then how far the soak is.
func (s *soak) watch(stopped <-chan struct{}) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-tick.C:
			s.mu.Lock()
			fmt.Fprintf(s.w, "%v: %d runs, %d failures\n", time.Since(s.start).Round(time.Second), s.jobs,
				len(s.failures))
			s.mu.Unlock()
			s.write()
		}
	}
}

// conclude prints the table and the failures.
func (s *soak) conclude() error {
	fmt.Fprint(s.w, s.write())
	if len(s.failures) > 0 {
		return fmt.Errorf("%d failures", len(s.failures))
	}
	return nil
}

// write returns the table, and saves it if there is a file for it. A soak goes on without one.
func (s *soak) write() string {
	s.mu.Lock()
	text := s.table()
	s.mu.Unlock()
	if s.out != "" {
		if err := os.WriteFile(s.out, []byte(text), 0o644); err != nil {
			fmt.Fprintln(s.w, err)
		}
	}
	return text
}

func (s *soak) work(ctx context.Context) error {
	for ctx.Err() == nil {
		j, err := s.next()
		if err != nil || j == nil {
			return err
		}
		start := time.Now()
		r, f := sim.Try(j.scenario)
		took := time.Since(start)
		if f == nil && j.number%traceEvery == 0 {
			f = again(j.scenario, r)
		}
		s.note(j.scenario, r, f, took)
	}
	return nil
}

// again makes a run a second time and compares the traces.
func again(s sim.Scenario, first sim.Result) *sim.Failure {
	second, f := sim.Try(s)
	if f == nil && second.Trace != first.Trace {
		f = &sim.Failure{Invariant: sim.OneTrace, Detail: "two runs of it have two traces"}
	}
	return f
}

// next draws the next run; nil if there is none.
func (s *soak) next() (*job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seeds > 0 && s.jobs == s.seeds {
		return nil, nil
	}
	o := s.options
	if len(s.kinds) > 0 {
		o.kind = s.kinds[s.jobs%len(s.kinds)]
	}
	s.jobs++
	for try := 0; ; try++ {
		seed := s.seed + s.used[o.kind]
		s.used[o.kind]++
		sc, err := o.scenario(seed)
		if err != nil {
			return nil, err
		}
		if sc.Members > smallMembers {
			if s.minutes > 0 && 10*(s.large+1) > s.jobs && try < drawTries {
				continue
			}
			s.large++
		}
		return &job{s.jobs, sc}, nil
	}
}
