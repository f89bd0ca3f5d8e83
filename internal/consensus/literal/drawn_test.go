package literal_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
	"github.com/foxmq/foxmq/internal/consensus/literal"
	"github.com/foxmq/foxmq/internal/event"
)

var update = flag.Bool("update", false, "write what the oracle says into testdata, to be reviewed")

// divider parts a drawing from what is expected of it.
const divider = "----\n"

// TestDrawnGraphs runs the graphs of testdata, which a person can check with docs/consensus.md at hand, through the
// oracle and the engine.
func TestDrawnGraphs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no drawings: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			drawing, want, _ := strings.Cut(string(text), divider)
			got := describe(t, graphtest.Parse(drawing))
			if *update {
				if err := os.WriteFile(file, []byte(drawing+divider+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// describe runs the drawing and says, event by event, what came of it.
func describe(t *testing.T, d *graphtest.Drawn) string {
	t.Helper()
	n := &narrator{Drawn: d, fame: map[event.ID]literal.Fame{}, witnesses: map[uint64][]event.ID{}}
	n.pair = newPair(&graphtest.Graph{Members: d.Members, CoinPeriod: 5, RoundsKept: 26}, consensus.NoMutation)
	if err := d.Run(n.slow.Pending, func(name string, ev *event.Event) {
		rounds, err := n.insert(ev)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n.tell(name, ev.ID(), rounds)
	}); err != nil {
		t.Fatal(err)
	}
	return n.String()
}

// narrator writes what becomes of a drawn graph.
type narrator struct {
	*graphtest.Drawn
	*pair
	strings.Builder
	known     []event.ID
	fame      map[event.ID]literal.Fame
	witnesses map[uint64][]event.ID // by round, as they came
}

func (n *narrator) tell(name string, id event.ID, rounds []consensus.Round) {
	n.known = append(n.known, id)
	where := "no round"
	if round := n.slow.RoundOf(id); n.slow.Witness(id) {
		n.witnesses[uint64(round)] = append(n.witnesses[uint64(round)], id)
		where = fmt.Sprintf("round %d, witness", round)
	} else if round != consensus.NegInf {
		where = fmt.Sprintf("round %d", round)
	}
	fmt.Fprintf(n, "%-4s %s\n", name, where)
	for _, r := range rounds {
		n.tellRound(r)
	}
	for _, id := range n.known {
		if f := n.slow.Fame(id); f != literal.Undecided && n.fame[id] == literal.Undecided {
			n.fame[id] = f
			fmt.Fprintf(n, "     %s: famous %t\n", n.Names[id], f == literal.Famous)
		}
	}
}

func (n *narrator) tellRound(r consensus.Round) {
	fmt.Fprintf(n, "     round %d is decided\n       judges:", r.Number)
	for _, id := range r.Judges {
		fmt.Fprintf(n, " %s", n.Names[id])
	}
	fmt.Fprint(n, "\n       not judges:")
	for _, id := range n.witnesses[r.Number] {
		if !slices.Contains(r.Judges, id) {
			fmt.Fprintf(n, " %s", n.Names[id])
		}
	}
	fmt.Fprint(n, "\n       received:")
	for _, o := range r.Events {
		fmt.Fprintf(n, " %s at %g", n.Names[o.Event.ID()], float64(o.Time)/1e6)
	}
	fmt.Fprintln(n)
}
