package abuse

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

var figures = flag.Bool("figures", false, "measure what large attacks do, and print tables")

const (
	quietTime  = 3 * time.Second
	attackTime = 5 * time.Second
)

// TestFigures makes each attack, larger than TestAttacks does, on a node of its own with its usual limits, and prints what a
// good client's messages take from just before the publish to their receipt, with nothing else going on and under the attack.
func TestFigures(t *testing.T) {
	if !*figures {
		t.Skip("takes minutes; see make abuse")
	}
	var table strings.Builder
	fmt.Fprintln(&table, "| attack | quiet p50, p99 in ms | under attack | ratio | ratio at p99 | memory in MiB |")
	fmt.Fprintln(&table, "|---|---|---|---|---|---|")
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) { fmt.Fprintln(&table, measure(t, a)) })
	}
	fmt.Print(table.String())
}

// measure returns a row of the table.
func measure(t *testing.T, a attack) string {
	t.Helper()
	c := serve(t)
	g := startGood(t, c)
	g.awaitMessages(t, 20)
	g.reset()
	time.Sleep(quietTime)
	quiet50, quiet99 := g.latency()

	before := look(t, c)
	stop := launch(t, c, a.name, true)
	awaitSeen(t, c, a.large(), before)
	g.reset()
	most := 0.0
	for end := time.Now().Add(attackTime); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		most = max(most, look(t, c).memory())
	}
	g.finish(t) // while the attack goes on: what is late counts, too
	p50, p99 := g.latency()
	stop()
	return fmt.Sprintf("| %s | %.1f, %.1f | %.1f, %.1f | %.1f | %.1f | %.0f |",
		a.name, quiet50, quiet99, p50, p99, p50/quiet50, p99/quiet99, most)
}

// crowd is how many connections TestIdleMemory keeps open.
const crowd = 10_000

// collected is when what connecting has left behind is gone: the runtime looks for it every two minutes at least.
const collected = 130 * time.Second

// TestIdleMemory holds the memory of a client that says nothing to a bound in bytes.
func TestIdleMemory(t *testing.T) {
	if !*figures {
		t.Skip("takes minutes; see make abuse")
	}
	most := map[string]float64{"TCP": 12 << 10, "TLS": 45 << 10}
	for _, a := range crowds {
		t.Run(a.name, func(t *testing.T) {
			c := serve(t)
			before := look(t, c)
			stop := launch(t, c, a.name, true)
			awaitSeen(t, c, a, before)
			time.Sleep(collected)
			grown := (look(t, c).memory() - before.memory()) * (1 << 20) / crowd
			stop()
			fmt.Printf("| idle over %s | %.1f KiB |\n", a.name, grown/1024)
			if grown > most[a.name] {
				t.Errorf("a connection that is idle takes %.1f KiB", grown/1024)
			}
		})
	}
}
