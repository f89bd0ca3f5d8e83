package picture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// Sizes in pixels.
const (
	radius    = 15
	laneWidth = 100 // of a branch
	rowHeight = 60
	margin    = 30
	rounds    = 70 // of the column that names the rounds
	legend    = 72
)

// hues are the colours of rounds, in turn: the light one of events, the full one of witnesses and judges.
var hues = [...]struct{ light, full string }{
	{"#d9e8f6", "#22659e"},
	{"#fbe3cd", "#b95e0d"},
	{"#dcefd9", "#337a36"},
	{"#eadff3", "#75479c"},
	{"#fadde1", "#b03a4b"},
	{"#d8eeee", "#1c7a7c"},
}

// noRound is the colour of events without one.
var noRound = struct{ light, full string }{"#eeeeee", "#777777"}

// drawing is an SVG in the making.
type drawing struct {
	strings.Builder
	shown  map[*node]bool
	lanes  [][]int // by creator and branch: the lane, or −1 if none of it is shown
	total  int     // lanes
	low    int     // level of the lowest row
	levels int
}

// SVG draws the events of the rounds from one to another, as they look to a node that has taken in all of these in
// this order. Time goes upwards.
func SVG(events []*event.Event, cfg consensus.Config, from, to int64) string {
	g := newGraph(events, cfg)
	nodes := g.within(from, to)
	d := newDrawing(g, nodes)
	d.open()
	d.columns()
	d.roundNames(nodes)
	for _, n := range nodes {
		d.edges(n)
	}
	for _, n := range nodes {
		d.node(n)
	}
	d.legend()
	d.WriteString("</svg>\n")
	return d.String()
}

func newDrawing(g *graph, nodes []*node) *drawing {
	d := &drawing{shown: map[*node]bool{}}
	for m := range g.members {
		d.lanes = append(d.lanes, slices.Repeat([]int{-1}, max(1, len(g.columns[m]))))
	}
	for i, n := range nodes {
		d.shown[n] = true
		if i == 0 || n.level < d.low {
			d.low = n.level
		}
		d.lanes[n.event.Creator][n.branch] = 0
	}
	for _, n := range nodes {
		d.levels = max(d.levels, n.level-d.low+1)
	}
	d.number()
	return d
}

// number gives each branch that is shown its lane, and each member one at least.
func (d *drawing) number() {
	for _, branches := range d.lanes {
		if slices.Max(branches) < 0 {
			branches[0] = 0
		}
		for b := range branches {
			if branches[b] == 0 {
				branches[b] = d.total
				d.total++
			}
		}
	}
}

func (d *drawing) width() int  { return max(2*margin+d.total*laneWidth+rounds, 560) }
func (d *drawing) bottom() int { return margin + d.levels*rowHeight }

func (d *drawing) x(n *node) int {
	return margin + d.lanes[n.event.Creator][n.branch]*laneWidth + laneWidth/2
}

func (d *drawing) y(n *node) int { return d.bottom() - (n.level-d.low)*rowHeight - rowHeight/2 }

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) open() {
	w, h := d.width(), d.bottom()+margin+legend
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`font-family="Helvetica,Arial,sans-serif" font-size="11" text-anchor="middle">`, w, h, w, h)
	d.printf(`<style>.e{stroke:#9aa3ab;stroke-width:1}.s{stroke:#4d565e;stroke-width:1.8}.n{font-size:10px;fill:#333;paint-order:stroke;stroke:#fff;stroke-width:4}` +
		`.w{stroke-width:3}.c{font-size:14px;font-weight:bold;fill:#333}.l{text-anchor:start;fill:#333}</style>`)
	d.printf(`<rect width="%d" height="%d" fill="#fff"/>`, w, h)
}

// columns names the members below their columns.
func (d *drawing) columns() {
	for m, branches := range d.lanes {
		first, last := d.total, slices.Max(branches)
		for _, lane := range branches {
			if lane >= 0 {
				first = min(first, lane)
			}
		}
		middle := margin + (first+last+1)*laneWidth/2
		d.printf(`<text class="c" x="%d" y="%d">%s</text>`, middle, d.bottom()+22, Name(m))
	}
}

// roundNames writes the number of each round at the height at which it begins.
func (d *drawing) roundNames(nodes []*node) {
	named := map[int64]bool{}
	for _, n := range nodes {
		if n.round != consensus.NegInf && !named[n.round] {
			named[n.round] = true
			d.printf(`<text x="%d" y="%d" fill="%s">round %d</text>`, d.width()-margin-rounds/2, d.y(n)+4,
				colours(n).full, n.round)
		}
	}
}

func colours(n *node) struct{ light, full string } {
	if n.round == consensus.NegInf {
		return noRound
	}
	return hues[n.round%int64(len(hues))]
}
