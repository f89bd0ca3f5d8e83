package literal_test

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
	"github.com/foxmq/foxmq/internal/consensus/literal"
	"github.com/foxmq/foxmq/internal/event"
)

// narrator runs a drawn graph and writes what becomes of it: the rounds, laid out like the drawing, then each
// decided round.
type narrator struct {
	*pair
	*graphtest.Drawn
	err error // the first

	grid      strings.Builder
	row       []string          // the cells of the row that is being drawn, padded
	elections strings.Builder   // all decided rounds
	minutes   []literal.Minutes // of the rounds that the event being inserted decides

	twin     *consensus.Engine // restored from a snapshot, nil if none was taken
	twinTold int               // rounds that it decided since
}

func newNarrator(d *graphtest.Drawn) *narrator {
	g := &graphtest.Graph{Members: d.Members, CoinPeriod: d.CoinPeriod, RoundsKept: d.RoundsKept}
	n := &narrator{Drawn: d, pair: newPair(g, consensus.NoMutation)}
	n.slow.Watch(func(m literal.Minutes) { n.minutes = append(n.minutes, m) })
	return n
}

func (n *narrator) Pending() uint64 { return n.slow.Pending() }

func (n *narrator) Insert(name string, ev *event.Event) {
	rounds, err := n.insert(ev)
	if err == nil && n.twin != nil {
		err = n.insertTwin(ev, rounds)
	}
	if err != nil && n.err == nil {
		n.err = fmt.Errorf("%s: %w", name, err)
	}
	for len(n.row) < ev.Creator {
		n.row = append(n.row, fmt.Sprintf("%-9s", "."))
	}
	n.row = append(n.row, fmt.Sprintf("%-9s", name+" "+n.round(ev.ID())))
	for i, r := range rounds {
		n.tell(name, r, n.minutes[i])
	}
	n.minutes = nil
}

// round is the round of an event, with a star if it is a witness.
func (n *narrator) round(id event.ID) string {
	switch round := n.slow.RoundOf(id); {
	case round == consensus.NegInf:
		return "-"
	case n.slow.Witness(id):
		return fmt.Sprintf("%d*", round)
	default:
		return fmt.Sprint(round)
	}
}

func (n *narrator) EndRow() {
	fmt.Fprintln(&n.grid, strings.TrimRight(strings.Join(n.row, ""), " "))
	n.row = nil
}

func (n *narrator) Snapshot() {
	s := n.fast.Snapshot()
	fmt.Fprintf(&n.grid, "snapshot after round %d: judges %s; least birth rounds %d; last time %s;\n  events %s\n",
		s.Round, n.names(s.Judges), s.Births, milli(s.Time), n.names(idsOf(s.Events)))
	n.twin, n.err = consensus.Restore(consensus.Config{
		Members: n.Members, CoinPeriod: n.CoinPeriod, RoundsKept: n.RoundsKept,
	}, s)
}

// insertTwin hands the event to the node that started from the snapshot, which must say what the others do.
func (n *narrator) insertTwin(ev *event.Event, want []consensus.Round) error {
	got := n.twin.Insert(ev)
	n.twinTold += len(got)
	if err := sameRounds(got, want); err != nil {
		return fmt.Errorf("started from a snapshot: %w", err)
	}
	for _, x := range n.recent {
		if id := x.ID(); n.twin.RoundOf(id) != n.slow.RoundOf(id) || n.twin.Witness(id) != n.slow.Witness(id) {
			return fmt.Errorf("started from a snapshot: %s is of another round", n.Names[id])
		}
	}
	return nil
}

// tell writes down a decided round.
func (n *narrator) tell(by string, r consensus.Round, m literal.Minutes) {
	fmt.Fprintf(&n.elections, "\nround %d, decided by %s\n", r.Number, by)
	n.tellVotes(m)
	fmt.Fprintf(&n.elections, "  judges %s\n", n.names(r.Judges))
	n.tellOrder(r, m)
	if len(r.Stale) > 0 {
		fmt.Fprintf(&n.elections, "  ancient below birth round %d, stale %s\n", r.Ancient, n.names(idsOf(r.Stale)))
	} else if r.Ancient > 1 {
		fmt.Fprintf(&n.elections, "  ancient below birth round %d\n", r.Ancient)
	}
}

// tellVotes writes a column per candidate and a row per voter.
func (n *narrator) tellVotes(m literal.Minutes) {
	table := tabwriter.NewWriter(&n.elections, 0, 0, 3, ' ', 0)
	defer table.Flush()
	fmt.Fprint(table, "  d\tvoter\topener\tstrongly saw")
	for _, c := range m.Candidates {
		fmt.Fprintf(table, "\t%s", n.Names[c.ID])
	}
	for _, v := range m.Voters {
		fmt.Fprintf(table, "\n  %d\t%s\t%s\t%s", v.Distance, n.Names[v.ID], n.Names[v.Opener], n.names(v.Saw))
		for _, vote := range v.Votes {
			fmt.Fprintf(table, "\t%s", ballot(v, vote))
		}
	}
	fmt.Fprint(table, "\n  \t\t\t")
	for _, c := range m.Candidates {
		fmt.Fprintf(table, "\t%s", verdict(c))
	}
	fmt.Fprintln(table)
}

// ballot is a vote, in capitals if it decides, behind what the voter counted.
func ballot(v literal.Voter, vote literal.Vote) string {
	word := "no"
	if vote.Vote {
		word = "yes"
	}
	switch {
	case vote.Verdict != literal.Undecided:
		word = strings.ToUpper(word)
	case vote.Coin:
		word = "coin " + word
	}
	if v.Distance == 1 {
		return word
	}
	return fmt.Sprintf("%d:%d %s", vote.Yes, vote.No, word)
}

func verdict(c literal.Candidate) string {
	switch {
	case c.Late:
		return "late"
	case c.Fame == literal.Famous:
		return "famous"
	}
	return "not famous"
}

// tellOrder writes the events received, in order, with what they are ordered by.
func (n *narrator) tellOrder(r consensus.Round, m literal.Minutes) {
	if len(r.Events) == 0 {
		fmt.Fprintln(&n.elections, "  receives nothing")
		return
	}
	table := tabwriter.NewWriter(&n.elections, 0, 0, 3, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, "  receives\tfirst had at\tgeneration\tid\ttime")
	for i, x := range m.Received {
		var times []string
		for _, t := range x.Times {
			times = append(times, milli(t))
		}
		fmt.Fprintf(table, "  %s\t%s\t%d\t%x…\t%s\n",
			n.Names[x.ID], strings.Join(times, " "), x.Generation, x.Whitened[:2], milli(r.Events[i].Time))
	}
}

func milli(ns int64) string { return fmt.Sprint(float64(ns) / 1e6) }

func (n *narrator) names(ids []event.ID) string {
	var names []string
	for _, id := range ids {
		names = append(names, n.Names[id])
	}
	return strings.Join(names, " ")
}

func idsOf(events []*event.Event) (ids []event.ID) {
	for _, ev := range events {
		ids = append(ids, ev.ID())
	}
	return ids
}

// story returns all of it.
func (n *narrator) story() (string, error) {
	end := ""
	if n.twin != nil {
		end = fmt.Sprintf("\nthe node that started from the snapshot decided the last %d rounds alike\n", n.twinTold)
	}
	return n.grid.String() + n.elections.String() + end, n.err
}
