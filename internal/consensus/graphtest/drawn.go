package graphtest

import (
	"fmt"
	"strings"

	"github.com/foxmq/foxmq/internal/event"
)

// Drawn is a graph that a person drew: a column per member, time downwards.
//
//	a1      b1      c1      d1
//	a2:bcd  .       c2:b    d2:a1
//
// An event is named by its member's letter and its sequence number; those of a second branch have a prime (d2').
// Behind the colon are its other-parents: a letter takes that member's latest event in the rows above, a name that
// event, and names are parted by commas. The self-parent is the latest in its column, or stands behind a minus sign:
// d3'-d2:ab starts a branch at d2. An event may claim a birth round: c2@1:b; otherwise the pending one is handed in.
// A row lasts a millisecond, and its number is the time of its events. A dot is no event.
type Drawn struct {
	Members int
	Names   map[event.ID]string

	rows   [][]string
	byName map[string]*event.Event
	latest map[byte]*event.Event
}

// Parse reads a drawing. Lines that begin with # are comments.
func Parse(text string) *Drawn {
	d := &Drawn{Names: map[event.ID]string{}, byName: map[string]*event.Event{}, latest: map[byte]*event.Event{}}
	for line := range strings.Lines(text) {
		if cells := strings.Fields(line); len(cells) > 0 && !strings.HasPrefix(line, "#") {
			d.rows = append(d.rows, cells)
			for _, cell := range cells {
				d.Members = max(d.Members, int(cell[0])-'a'+1)
			}
		}
	}
	return d
}

// Run makes the events row by row, left to right, in the round that pending returns, and hands each to insert.
func (d *Drawn) Run(pending func() uint64, insert func(name string, ev *event.Event)) error {
	for i, row := range d.rows {
		made := map[byte]*event.Event{}
		for _, cell := range row {
			if cell == "." {
				continue
			}
			ev, name, err := d.event(cell, int64(i+1)*1e6, pending())
			if err != nil {
				return fmt.Errorf("row %d: %s: %w", i+1, cell, err)
			}
			insert(name, ev)
			made[name[0]] = ev
		}
		for member, ev := range made {
			d.latest[member] = ev
		}
	}
	return nil
}

// event makes the event that a cell describes.
func (d *Drawn) event(cell string, time int64, birth uint64) (*event.Event, string, error) {
	head, parents, _ := strings.Cut(cell, ":")
	head, claimed, dated := strings.Cut(head, "@")
	name, self, branched := strings.Cut(head, "-")
	ev := &event.Event{Creator: int(name[0] - 'a'), Seq: 1, Time: time, BirthRound: birth}
	if dated {
		if _, err := fmt.Sscan(claimed, &ev.BirthRound); err != nil {
			return nil, "", err
		}
	}
	sp := d.latest[name[0]]
	if branched {
		sp = d.byName[self]
	}
	if sp != nil {
		ev.Seq = sp.Seq + 1
		ev.Parents = append(ev.Parents, claim(sp))
	}
	others, err := d.parents(parents)
	if err != nil {
		return nil, "", err
	}
	ev.Parents = append(ev.Parents, others...)
	if want := fmt.Sprintf("%c%d", name[0], ev.Seq); strings.TrimRight(name, "'") != want {
		return nil, "", fmt.Errorf("is %s by its self-parent", want)
	}
	if d.byName[name] != nil {
		return nil, "", fmt.Errorf("is drawn twice")
	}
	ev.Coin = byte(len(d.byName))
	if err := ev.Seal(domain); err != nil {
		return nil, "", err
	}
	d.byName[name], d.Names[ev.ID()] = ev, name
	return ev, name, nil
}

// parents reads what stands behind the colon.
func (d *Drawn) parents(text string) (parents []event.Parent, err error) {
	for _, word := range strings.Split(text, ",") {
		if p := d.byName[word]; p != nil {
			parents = append(parents, claim(p))
			continue
		}
		for _, letter := range []byte(word) {
			p := d.latest[letter]
			if p == nil {
				return nil, fmt.Errorf("no event %q above", word)
			}
			parents = append(parents, claim(p))
		}
	}
	return parents, nil
}
