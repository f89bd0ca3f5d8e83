package literal_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus/graphtest"
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
			got, err := narrate(drawing)
			if err != nil {
				t.Fatal(err)
			}
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

// TestDrawingsAreChecked makes sure that a slip of the pen is an error and not another graph.
func TestDrawingsAreChecked(t *testing.T) {
	for _, drawing := range []string{
		"a1\na3", "a1\na2:b", "a1\na1", "a1 b1\na2:b7", "a1@x", "a1!", "a1 b1\na2:bb", "a1\na2@0", "kept\na1", "coins 3\na1",
	} {
		if story, err := narrate(drawing); err == nil {
			t.Errorf("%q passes for a graph:\n%s", drawing, story)
		}
	}
}

// narrate tells what becomes of a drawing.
func narrate(drawing string) (string, error) {
	d, err := graphtest.Parse(drawing)
	if err != nil {
		return "", err
	}
	n := newNarrator(d)
	if err := d.Run(n); err != nil {
		return "", err
	}
	return n.story()
}
