package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/sim"
	"github.com/foxmq/foxmq/internal/sim/picture"
)

// single runs one scenario, and shows what happens if that is wanted, also of a run that fails.
func (o *options) single(s sim.Scenario, out io.Writer) error {
	fmt.Fprintln(out, s)
	w := sim.New(s)
	if o.watch {
		w.Watch(func(step int, at time.Duration, text string) {
			if step >= o.from && step <= o.to {
				fmt.Fprintf(out, "%6d %12v  %s\n", step, at.Round(time.Microsecond), text)
			}
		})
	}
	r, failure := w.Run()
	if o.svg != "" {
		if err := o.draw(w, s); err != nil {
			return err
		}
	}
	if failure != nil {
		return failure
	}
	fmt.Fprintf(out, "%d rounds, %d events, %d steps, %v virtual\n", r.Rounds, r.Events, r.Steps,
		r.Elapsed.Round(time.Millisecond))
	return nil
}

// draw writes the picture.
func (o *options) draw(w *sim.World, s sim.Scenario) error {
	var from, to int64
	if _, err := fmt.Sscanf(o.rounds, "%d..%d", &from, &to); err != nil {
		return fmt.Errorf("rounds %q are not like 3..6", o.rounds)
	}
	node := o.node
	if node < 0 {
		node = s.Members - 1 - s.Dead
	}
	events := w.Events(node)
	if events == nil {
		return errors.New("that node is not a correct one, or has taken in nothing")
	}
	svg := picture.SVG(events, consensus.Config{Members: s.Members, Mutation: s.Mutation}, from, to)
	return os.WriteFile(o.svg, []byte(svg), 0o644)
}
