package graphtest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// Drawn is a graph that a person drew: a column per member, time downwards.
//
//	a1      b1      c1      d1
//	a2:bcd  .       c2:b    d2:a1
//
// An event is named by its member's letter and its sequence number; those of a second branch have a prime (d2').
// A dot is no event. A row lasts a millisecond: its number is the time of its events, which do not know each other.
// Behind the name may stand, in this order:
//
//	-d2     the self-parent; otherwise it is the latest of the column. So d3'-d2 starts a branch.
//	@2      the birth round; otherwise it is the pending one.
//	!1      the coin, 0 to 255; otherwise it is 0.
//	:b,d2'  the other-parents, by ascending creator: a letter takes that member's latest event in the rows above,
//	        a name that event. Only names need commas around them.
//
// These words have a line of their own, the first three above all rows:
//
//	members 4   the size of the cluster, if the last members have no event
//	coin 3      the coin period, if it is not the default
//	kept 1      the rounds kept, if they are not the default
//	snapshot    here another node starts from a snapshot
type Drawn struct {
	Members    int
	CoinPeriod int
	RoundsKept int
	Names      map[event.ID]string

	rows   [][]string // of events, or the one word snapshot
	byName map[string]*event.Event
	latest map[byte]*event.Event
}

// Scene is where a drawing comes to life.
type Scene interface {
	// Pending returns the birth round for the next event.
	Pending() uint64
	Insert(name string, ev *event.Event)
	// EndRow is called behind the last event of each row.
	EndRow()
	Snapshot()
}

// Parse reads a drawing. Lines that begin with # are comments.
func Parse(text string) (*Drawn, error) {
	d := &Drawn{
		CoinPeriod: consensus.DefaultCoinPeriod, RoundsKept: consensus.DefaultRoundsKept,
		Names: map[event.ID]string{}, byName: map[string]*event.Event{}, latest: map[byte]*event.Event{},
	}
	settings := map[string]*int{"members": &d.Members, "coin": &d.CoinPeriod, "kept": &d.RoundsKept}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if setting := settings[words[0]]; setting != nil {
			if _, err := fmt.Sscan(strings.Join(words[1:], " "), setting); err != nil {
				return nil, fmt.Errorf("%s: %w", words[0], err)
			}
			continue
		}
		d.rows = append(d.rows, words)
		for _, cell := range words {
			if cell != snapshot {
				d.Members = max(d.Members, int(cell[0])-'a'+1)
			}
		}
	}
	return d, nil
}

const snapshot = "snapshot"

// Run makes the events row by row, left to right.
func (d *Drawn) Run(s Scene) error {
	row := 0
	for _, cells := range d.rows {
		if cells[0] == snapshot {
			s.Snapshot()
			continue
		}
		row++
		if err := d.run(cells, int64(row)*1e6, s); err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		s.EndRow()
	}
	return nil
}

// run makes the events of one row.
func (d *Drawn) run(cells []string, time int64, s Scene) error {
	made := map[byte]*event.Event{}
	for _, cell := range cells {
		if cell == "." {
			continue
		}
		ev, name, err := d.event(cell, time, s.Pending())
		if err != nil {
			return fmt.Errorf("%s: %w", cell, err)
		}
		s.Insert(name, ev)
		made[name[0]] = ev
	}
	for member, ev := range made {
		d.latest[member] = ev
	}
	return nil
}

// event makes the event that a cell describes. Its transaction is its name, so no two are the same event.
func (d *Drawn) event(cell string, time int64, birth uint64) (*event.Event, string, error) {
	head, parents, _ := strings.Cut(cell, ":")
	head, coin := cutNumber(head, "!", 0)
	head, birth = cutNumber(head, "@", birth)
	name, self, branched := strings.Cut(head, "-")
	ev := &event.Event{
		Creator: int(name[0] - 'a'), Seq: 1, Time: time, BirthRound: birth, Coin: byte(coin),
		Payload: event.AppendTransaction(nil, []byte(name)),
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
	if err := ev.Seal(domain); err != nil {
		return nil, "", err
	}
	d.byName[name], d.Names[ev.ID()] = ev, name
	return ev, name, nil
}

// cutNumber cuts a number and the sign before it off the end of a head.
func cutNumber(head, sign string, otherwise uint64) (string, uint64) {
	before, digits, found := strings.Cut(head, sign)
	if !found {
		return head, otherwise
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return head, otherwise // the sign stays, and no event has such a name
	}
	return before, number
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
