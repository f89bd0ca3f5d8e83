package picture

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

var update = flag.Bool("update", false, "draw the pictures in docs anew")

// lockstep returns the events of members who each have everyone's last one before they make the next.
func lockstep(members, steps int) []*event.Event {
	var all, row []*event.Event
	for step := range steps {
		var next []*event.Event
		for m := range members {
			e := &event.Event{Creator: m, Seq: uint64(step + 1), BirthRound: 1, Time: int64(step+1) * 1e6}
			if step > 0 {
				e.Parents = append(e.Parents, claim(row[m]))
			}
			for p := range row {
				if p != m {
					e.Parents = append(e.Parents, claim(row[p]))
				}
			}
			next = append(next, sealed(e))
		}
		row = next
		all = append(all, row...)
	}
	return all
}

func claim(e *event.Event) event.Parent {
	return event.Parent{Creator: e.Creator, Seq: e.Seq, BirthRound: e.BirthRound, ID: e.ID()}
}

func sealed(e *event.Event) *event.Event {
	if err := e.Seal(event.Domain{}); err != nil {
		panic(err)
	}
	return e
}

// TestTextbook draws the example of docs/consensus.md. The picture there is this one.
func TestTextbook(t *testing.T) {
	const path = "../../../docs/pictures/textbook.svg"
	svg := SVG(lockstep(4, 8), consensus.Config{Members: 4}, 1, math.MaxInt64)
	wellFormed(t, svg)
	if *update {
		if err := os.WriteFile(path, []byte(svg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if drawn, err := os.ReadFile(path); err != nil || string(drawn) != svg {
		t.Errorf("%s is out of date (draw it with -update): %v", path, err)
	}
	if len(svg) > 40<<10 {
		t.Errorf("%d bytes", len(svg))
	}
}

// TestFork draws two branches side by side, and leaves out what is not asked for.
func TestFork(t *testing.T) {
	events := lockstep(4, 8)
	twin := *events[4]
	twin.Coin = 1
	events = append(events[:8:8], append([]*event.Event{sealed(&twin)}, events[8:]...)...)
	svg := SVG(events, consensus.Config{Members: 4}, 1, 1)
	wellFormed(t, svg)
	if n := strings.Count(svg, ">a2<"); n != 2 {
		t.Errorf("%d events called a2", n)
	}
	if strings.Contains(svg, ">a3<") || !strings.Contains(svg, ">round 1<") {
		t.Error("the wrong rounds are drawn")
	}
	wellFormed(t, SVG(nil, consensus.Config{Members: 40}, 1, 2))
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
