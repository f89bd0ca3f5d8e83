package literal

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// txStep is what separates the consensus times of two transactions at least, in ns.
const txStep = 1000

// received is an event on its way into the order.
type received struct {
	*vertex
	times      []int64 // when each judge's creator first had the event, ascending
	generation int     // within this round's events
}

// decide orders what the judges of the pending round have in common, and moves on to the next round.
func (o *Oracle) decide(judges []*vertex) consensus.Round {
	r := consensus.Round{Number: o.pending}
	for _, j := range judges {
		r.Judges = append(r.Judges, j.ID())
	}
	set := o.receive(judges)
	order(set, judges)
	for _, x := range set {
		x.ordered = true
		t := max(x.consensusTime(), o.last+txStep)
		o.last = t + txStep*int64(max(0, x.Transactions()-1))
		r.Events = append(r.Events, consensus.Ordered{Event: x.Event, Time: t})
	}
	o.judges = judges
	o.pending++
	r.Stale = o.age()
	r.Ancient = o.ancient
	return r
}

// receive returns the common ancestors of the judges that are neither ancient nor received before, in the order
// of arrival.
func (o *Oracle) receive(judges []*vertex) []received {
	have := map[*vertex][]bool{} // which of the graph are ancestors of the judges and of their self-ancestors
	for _, j := range judges {
		have[j] = o.ancestors(j)
	}
	var set []received
	generation := map[*vertex]int{}
	for _, x := range o.graph {
		common := !slices.ContainsFunc(judges, func(j *vertex) bool { return !have[j][x.place] })
		if !common || x.ordered || x.BirthRound < o.ancient {
			continue
		}
		for _, p := range x.parents {
			generation[x] = max(generation[x], generation[p])
		}
		generation[x]++
		set = append(set, received{vertex: x, times: o.firstHad(judges, x, have), generation: generation[x]})
	}
	return set
}

// ancestors marks x and everything below it.
func (o *Oracle) ancestors(x *vertex) []bool {
	found := make([]bool, len(o.graph))
	found[x.place] = true
	for todo := []*vertex{x}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range last.parents {
			if !found[p.place] {
				found[p.place] = true
				todo = append(todo, p)
			}
		}
	}
	return found
}

// firstHad returns, for each judge, the time of its oldest self-ancestor that descends from x; ascending. It adds
// to have what it has to look up.
func (o *Oracle) firstHad(judges []*vertex, x *vertex, have map[*vertex][]bool) []int64 {
	var times []int64
	for _, j := range judges {
		oldest := j
		for s := j; s != nil && have[s][x.place]; s = s.self {
			oldest = s
			if s.self != nil && have[s.self] == nil {
				have[s.self] = o.ancestors(s.self)
			}
		}
		times = append(times, oldest.Time)
	}
	slices.Sort(times)
	return times
}

// consensusTime is the median of the times, the upper one if there are two.
func (x *received) consensusTime() int64 { return x.times[len(x.times)/2] }

// order sorts the events of one round: by consensus time, then by the other times from the median outwards, then
// by generation, then by id, whitened with the judges' ids so that nobody can choose an id that comes early.
func order(set []received, judges []*vertex) {
	white := whiteness(judges)
	slices.SortFunc(set, func(a, b received) int {
		for i := range a.times {
			k := outwards(i, len(a.times))
			if c := cmp.Compare(a.times[k], b.times[k]); c != 0 {
				return c
			}
		}
		if c := cmp.Compare(a.generation, b.generation); c != 0 {
			return c
		}
		x, y := xor(a.ID(), white), xor(b.ID(), white)
		return bytes.Compare(x[:], y[:])
	})
}

// whiteness is what ids are whitened with: the judges' ids, XORed.
func whiteness(judges []*vertex) (white event.ID) {
	for _, j := range judges {
		white = xor(white, j.ID())
	}
	return white
}

// outwards is the i-th index from the median of n times: n/2, n/2−1, n/2+1, n/2−2, …
func outwards(i, n int) int {
	if i%2 == 0 {
		return n/2 + i/2
	}
	return n/2 - (i+1)/2
}

func xor(a, b event.ID) event.ID {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}

// age raises the ancient threshold to the least birth round among the judges of the oldest round kept, and
// returns the events that thereby went stale, in the order of arrival.
func (o *Oracle) age() []*event.Event {
	least := o.judges[0].BirthRound
	for _, j := range o.judges {
		least = min(least, j.BirthRound)
	}
	o.births = append(o.births, least)
	o.ancient = max(o.ancient, o.births[max(0, len(o.births)-o.roundsKept)])
	var stale []*event.Event
	for _, x := range o.graph {
		if x.BirthRound < o.ancient && !x.ordered && !x.stale {
			x.stale = true
			stale = append(stale, x.Event)
		}
	}
	return stale
}
