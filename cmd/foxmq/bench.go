package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/foxmq/foxmq/internal/bench"
)

const benchLong = `Measure how many messages per second are delivered, how long a message takes and what it costs, on loopback and
with a load generator of its own. Each run has a broker of its own: one FoxMQ node (one), a cluster of four with
publishers and subscribers on different nodes (four) and, where it is installed, Mosquitto. The runs of a workload
take turns, round by round, and the table shows medians. With --addr, brokers that already run are measured instead:
publishers connect to the first half of the addresses and subscribers to the rest.

The table goes to standard output, progress to standard error. The exit code is 0 if everything could be measured,
whatever the figures are.`

// benchmark is what the command line asks to be measured.
type benchmark struct {
	exe       string // the binary that each node runs
	workloads []string
	targets   []string
	addrs     []string
	duration  time.Duration
	warmup    time.Duration
	idle      time.Duration
	rounds    int
	markdown  bool
	out, err  io.Writer
}

func newBench() *cobra.Command {
	b := &benchmark{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure throughput and latency, beside Mosquitto if it is installed",
		Long:  benchLong,
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if b.exe, err = os.Executable(); err != nil {
				return fmt.Errorf("find own binary: %w", err)
			}
			b.out, b.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return b.run(ctx)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&b.workloads, "workload", nil,
		"`name` of a workload to measure, several times for several (default: all): "+strings.Join(workloadNames(), ", "))
	flags.StringSliceVar(&b.targets, "target", nil,
		"`name` of a broker to measure, several times for several: one, four, mosquitto (default: all there are)")
	flags.StringSliceVar(&b.addrs, "addr", nil, "`host:port` of a broker that already runs, to measure instead")
	flags.DurationVar(&b.duration, "duration", 3*time.Second, "`time` that a run measures")
	flags.DurationVar(&b.warmup, "warmup", time.Second, "`time` that a run goes before it measures")
	flags.IntVar(&b.rounds, "rounds", 3, "`number` of runs of each workload with each broker")
	flags.DurationVar(&b.idle, "idle", 5*time.Second, "`time` to watch four idle nodes; 0: do not")
	flags.BoolVar(&b.markdown, "markdown", false, "print the table as Markdown")
	return cmd
}

func workloadNames() []string {
	names := make([]string, len(bench.Workloads))
	for i, w := range bench.Workloads {
		names[i] = w.Name
	}
	return names
}

// run measures and prints. What was measured before an error is printed too.
func (b *benchmark) run(ctx context.Context) error {
	if b.rounds < 1 || b.duration <= 0 || b.warmup <= 0 || b.idle < 0 {
		return usagef("rounds, duration and warmup must be more than 0")
	}
	workloads, err := b.chooseWorkloads()
	if err != nil {
		return err
	}
	targets, err := b.chooseTargets()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // a child may be bound to the thread that starts it
	defer runtime.UnlockOSThread()
	fmt.Fprintf(b.out, "foxmq %s, %s/%s, %d processors; %d rounds of %v\n\n",
		version, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), b.rounds, b.duration)
	report, err := bench.Run(ctx, bench.Config{
		Targets: targets, Workloads: workloads,
		Rounds: b.rounds, Warmup: b.warmup, Duration: b.duration,
		Progress: func(line string) { fmt.Fprintln(b.err, line) },
	})
	if err == nil {
		err = b.measureIdle(ctx, targets, report)
	}
	return errors.Join(err, report.Write(b.out, b.markdown))
}

// measureIdle watches a cluster without clients, if one is among the targets.
func (b *benchmark) measureIdle(ctx context.Context, targets []bench.Target, report *bench.Report) error {
	i := slices.IndexFunc(targets, func(t bench.Target) bool { return t.Name == targetFour })
	if i < 0 || b.idle == 0 {
		return nil
	}
	idle, err := bench.Idle(ctx, targets[i], b.idle)
	if err == nil {
		report.Add(idle)
	}
	return err
}

func (b *benchmark) chooseWorkloads() ([]bench.Workload, error) {
	if len(b.workloads) == 0 {
		return bench.Workloads, nil
	}
	var chosen []bench.Workload
	for _, name := range b.workloads {
		i := slices.Index(workloadNames(), name)
		if i < 0 {
			return nil, usagef("--workload %s: want one of %s", name, strings.Join(workloadNames(), ", "))
		}
		chosen = append(chosen, bench.Workloads[i])
	}
	return chosen, nil
}

// chooseTargets returns what to measure. Mosquitto may be missing unless it was asked for.
func (b *benchmark) chooseTargets() ([]bench.Target, error) {
	if len(b.addrs) > 0 {
		return []bench.Target{runningTarget(b.addrs)}, nil
	}
	names := b.targets
	if len(names) == 0 {
		names = []string{targetOne, targetFour}
		if _, err := findMosquitto(); err == nil {
			names = append(names, bench.Reference)
		}
	}
	var chosen []bench.Target
	for _, name := range names {
		switch name {
		case targetOne:
			chosen = append(chosen, b.clusterTarget(name, 1))
		case targetFour:
			chosen = append(chosen, b.clusterTarget(name, 4))
		case bench.Reference:
			path, err := findMosquitto()
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, mosquittoTarget(path))
		default:
			return nil, usagef("--target %s: want one, four or mosquitto", name)
		}
	}
	return chosen, nil
}
