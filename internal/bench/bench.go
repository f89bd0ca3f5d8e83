package bench

import (
	"context"
	"fmt"
	"time"
)

// Broker is a broker, or a cluster of them, that runs.
type Broker struct {
	Addrs  []string // of its nodes' MQTT listeners, at least one
	Admins []string // host:port of their admin listeners; only Idle asks them
	PIDs   []int    // of its processes; none if they are not known
}

// Target is what is measured.
type Target struct {
	Name string
	// Start starts a broker, or finds one. Stop, if not nil, ends it and returns when it has ended.
	Start func(ctx context.Context) (b Broker, stop func() error, err error)
}

// Config says what to measure. For every field that is left zero and has a default, the default is taken.
type Config struct {
	Targets   []Target
	Workloads []Workload
	Rounds    int           // runs of each workload against each target; default 3
	Warmup    time.Duration // before measuring; default 1 s
	Duration  time.Duration // of measuring; default 3 s
	Patience  time.Duration // after which a run in which nothing arrives is given up; default 5 s
	Progress  func(string)  // takes a line when a run has ended; nil: nobody listens
}

func (c Config) withDefaults() Config {
	setDefault(&c.Rounds, 3)
	setDefault(&c.Warmup, time.Second)
	setDefault(&c.Duration, 3*time.Second)
	setDefault(&c.Patience, 5*time.Second)
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Run measures every workload against every target. If one cannot be measured it ends with an error, and the report
// holds the runs before.
func Run(ctx context.Context, c Config) (*Report, error) {
	c = c.withDefaults()
	report := &Report{}
	for _, w := range c.Workloads {
		for round := range c.Rounds {
			for _, t := range c.Targets {
				result, err := runOnce(ctx, w, t, &c)
				if err != nil {
					return report, fmt.Errorf("measure %s with %s: %w", t.Name, w.Name, err)
				}
				report.add(w, t.Name, round, result)
				c.Progress(fmt.Sprintf("%s %d/%d: %s: %s", w.Name, round+1, c.Rounds, t.Name, result.line()))
			}
		}
	}
	return report, nil
}

// runOnce starts a target for one run and stops it.
func runOnce(ctx context.Context, w Workload, t Target, c *Config) (Result, error) {
	var result Result
	err := with(ctx, t, func(b Broker) (err error) {
		result, err = newRun(w, b, c).measure(ctx)
		return err
	})
	return result, err
}

// with calls f while the target runs.
func with(ctx context.Context, t Target, f func(Broker) error) (err error) {
	b, stop, err := t.Start(ctx)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if stop != nil {
		defer func() {
			if stopped := stop(); err == nil && stopped != nil {
				err = fmt.Errorf("stop: %w", stopped)
			}
		}()
	}
	return f(b)
}
