package picture

import (
	"fmt"
	"math"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// Name is what a member is called: a to z by its index, then A to Z, then its number.
func Name(member int) string {
	switch {
	case member < 26:
		return string(rune('a' + member))
	case member < 52:
		return string(rune('A' + member - 26))
	}
	return fmt.Sprintf("%d.", member)
}

// EventName is what an event is called: its creator and its number. Those of two branches may be called the same.
func EventName(e *event.Event) string { return fmt.Sprintf("%s%d", Name(e.Creator), e.Seq) }

// edges draws the links of an event to its parents, from rim to rim. Those to events that are not shown are left
// out, but for a stub to the self-parent.
func (d *drawing) edges(n *node) {
	for _, p := range n.parents {
		class := "e"
		if p == n.self {
			class = "s"
		}
		if d.shown[p] {
			d.edge(class, n, p)
		} else if p == n.self {
			d.printf(`<path class="s" stroke-dasharray="2 3" d="M%d %dv14"/>`, d.x(n), d.y(n)+radius)
		}
	}
}

func (d *drawing) edge(class string, n, p *node) {
	x, y := float64(d.x(n)), float64(d.y(n))
	dx, dy := float64(d.x(p))-x, float64(d.y(p))-y
	rim := radius / math.Hypot(dx, dy)
	d.printf(`<path class="%s" d="M%.0f %.0fL%.0f %.0f"/>`, class, x+dx*rim, y+dy*rim, x+dx*(1-rim), y+dy*(1-rim))
}

// node draws an event, and its place in the order beside it.
func (d *drawing) node(n *node) {
	d.circle(d.x(n), d.y(n), n)
	d.printf(`<text x="%d" y="%d"%s>%s</text>`, d.x(n), d.y(n)+4, ink(n), EventName(n.event))
	if n.place > 0 {
		d.printf(`<text class="n" x="%d" y="%d">%d</text>`, d.x(n)+radius+10, d.y(n)+4, n.place)
	}
}

// circle draws what stands for an event: light, with a ring if it is a witness, full if a judge, dashed if stale.
func (d *drawing) circle(x, y int, n *node) {
	c := colours(n)
	fill, more := c.light, ""
	if n.judge {
		fill = c.full
	}
	if n.witness {
		more = ` class="w"`
	}
	if n.stale {
		fill, more = "#fff", more+` stroke-dasharray="4 3"`
	}
	d.printf(`<circle%s cx="%d" cy="%d" r="%d" fill="%s" stroke="%s"/>`, more, x, y, radius, fill, c.full)
}

// ink is the colour of a label on an event.
func ink(n *node) string {
	if n.judge {
		return ` fill="#fff"`
	}
	return ""
}

// legend says below the picture what the signs mean.
func (d *drawing) legend() {
	y := d.bottom() + margin + 26
	for i, sign := range []struct {
		node node
		text string
	}{
		{node{round: 6}, "event"},
		{node{round: 6, witness: true}, "witness"},
		{node{round: 6, witness: true, judge: true}, "judge"},
		{node{round: 6, stale: true}, "stale"},
		{node{round: consensus.NegInf}, "no round"},
	} {
		x := 30 + i*104
		d.circle(x, y, &sign.node)
		d.printf(`<text class="l" x="%d" y="%d">%s</text>`, x+radius+7, y+4, sign.text)
	}
	d.printf(`<text class="l" x="16" y="%d">Time goes up; one colour a round; the number beside an event is its place `+
		`in the order.</text>`, y+radius+16)
}
