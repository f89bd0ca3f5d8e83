// Command simulate runs simulated clusters for a person: many of them, to look for a broken promise, or one, to
// watch it step by step. It is not part of the daemon.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"

	"github.com/foxmq/foxmq/internal/sim"
)

// options are what the command line says.
type options struct {
	seed    uint64
	seeds   int
	minutes float64
	kind    string
	members int
	replay  string
	workers int
	out     string
	watch   bool
	from    int
	to      int
	svg     string
	node    int
	rounds  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.Uint64Var(&o.seed, "seed", 1, "the seed to run, or the first of -seeds")
	flags.IntVar(&o.seeds, "seeds", 0, "run so many seeds, and list what they broke")
	flags.Float64Var(&o.minutes, "minutes", 0, "run all kinds of scenario in turn for so long, and list what they broke")
	flags.StringVar(&o.kind, "kind", "", "only scenarios of this kind")
	flags.IntVar(&o.members, "members", 0, "of each cluster, instead of what the seed says")
	flags.StringVar(&o.replay, "replay", "", "the scenario to run, as a failure printed it")
	flags.IntVar(&o.workers, "workers", runtime.NumCPU(), "how many clusters run at once")
	flags.StringVar(&o.out, "out", "", "file for the table of a soak, in Markdown")
	flags.BoolVar(&o.watch, "watch", false, "tell what happens, step by step")
	flags.IntVar(&o.from, "from", 0, "the first step to tell")
	flags.IntVar(&o.to, "to", math.MaxInt, "the last step to tell")
	flags.StringVar(&o.svg, "svg", "", "file for a picture of the graph as one node has it")
	flags.IntVar(&o.node, "node", -1, "that node; the last one if not set")
	flags.StringVar(&o.rounds, "rounds", "1..8", "what the picture shows")
	flags.SetOutput(out)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.seeds > 0 || o.minutes > 0 {
		return newSoak(o, out).run(ctx)
	}
	s, err := o.scenario(o.seed)
	if err != nil {
		return err
	}
	return o.single(s, out)
}

// scenario returns the one to run.
func (o *options) scenario(seed uint64) (s sim.Scenario, err error) {
	switch {
	case o.replay != "":
		s, err = sim.Parse(o.replay)
	case o.kind != "":
		s, err = sim.Named(o.kind, seed)
	default:
		s = sim.Random(seed)
	}
	if err == nil && o.members > 0 {
		s = s.Resized(o.members)
	}
	return s, err
}
