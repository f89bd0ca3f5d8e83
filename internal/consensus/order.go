package consensus

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// txStep separates the consensus times of two transactions at least, in ns.
const txStep = 1000

// never is the time at which a judge's creator had an event that the judge does not descend from. It is above every
// time of an event, which fits into 63 bits.
const never = math.MaxUint64

// received is an event on its way into the order.
type received struct {
	vertex     handle
	times      []uint64 // when each judge's creator first had the event, ns, ascending
	generation int32
	key        event.ID // the event's id, whitened
}

// receive returns what the judges have in common and was not received before, in the order of insertion. The slice
// and its times are the engine's, until the next call.
//
// For each vertex and judge it finds the time of the oldest self-ancestor of the judge that descends from the
// vertex. It starts with the self-ancestors themselves and goes through the vertices children first: what an event
// knows, each of its parents knew no later. Along a self-chain time increases, so the oldest is the least.
func (e *Engine) receive(judges []handle) []received {
	n := len(judges)
	size := len(e.vertices) * n
	had := slices.Grow(e.scratch.had[:0], size)[:size]
	e.scratch.had = had
	row := func(h handle) []uint64 { return had[int(h)*n : int(h+1)*n] }

	for i := range had {
		had[i] = never
	}
	for i, j := range judges {
		for h := j; h != 0; h = e.vertices[h].self {
			row(h)[i] = uint64(e.vertices[h].event.Time)
		}
	}
	for _, h := range slices.Backward(e.active) {
		own := row(h)
		for _, p := range e.parents(h) {
			for i, t := range row(p) {
				row(p)[i] = min(t, own[i])
			}
		}
	}
	set := e.scratch.set[:0]
	for _, h := range e.active {
		if times := row(h); !e.vertices[h].ordered && !slices.Contains(times, never) {
			slices.Sort(times)
			set = append(set, received{vertex: h, times: times})
		}
	}
	e.scratch.set = set
	return set
}

// order sorts the events received, gives them their times and marks them ordered. Judges are those of the round.
func (e *Engine) order(set []received, judges []event.ID) []Ordered {
	e.findGenerations(set)
	e.whiten(set, judges)
	slices.SortFunc(set, e.before)
	list := slices.Grow([]Ordered(nil), len(set))
	for i := range set {
		v := &e.vertices[set[i].vertex]
		v.ordered, v.inRound = true, 0
		v.parents, v.self = 0, 0
		t := max(int64(set[i].median()), e.last+txStep)
		e.last = t + txStep*int64(max(0, v.event.Transactions()-1))
		list = append(list, Ordered{Event: v.event, Time: t})
	}
	return list
}

// findGenerations counts generations within the set, so that they do not depend on what is still held below it.
func (e *Engine) findGenerations(set []received) {
	for i := range set {
		h := set[i].vertex
		generation := int32(0)
		for _, p := range e.parents(h) {
			generation = max(generation, e.vertices[p].inRound)
		}
		e.vertices[h].inRound = generation + 1
		set[i].generation = generation + 1
		if e.cfg.Mutation == RetainedGeneration {
			set[i].generation = e.vertices[h].depth
		}
	}
}

// whiten makes the last tie-break of the order: the event's id XOR those of the judges, which nobody knows when
// the event is made, so that nobody can choose an id that comes early.
func (e *Engine) whiten(set []received, judges []event.ID) {
	var white event.ID
	for i := range judges {
		white = xor(white, judges[i])
	}
	for i := range set {
		ev := e.vertices[set[i].vertex].event
		set[i].key = xor(ev.ID(), white)
		if e.cfg.Mutation == SignatureTieBreak {
			copy(set[i].key[:], ev.Signature[:])
		}
	}
}

func xor(a, b event.ID) event.ID {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}

// median is the consensus time before it is raised to keep the order: the median, the later one if there are two.
func (r *received) median() uint64 { return r.times[len(r.times)/2] }

// before compares two events by consensus time, then by the other times from the median outwards, then by
// generation, then by whitened id.
func (e *Engine) before(a, b received) int {
	n := len(a.times)
	for i := range n {
		k := outwards(i, n)
		if c := cmp.Compare(a.times[k], b.times[k]); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.generation, b.generation), bytes.Compare(a.key[:], b.key[:]))
}

// outwards is the i-th index from the median of n times: n/2, n/2−1, n/2+1, n/2−2, …
func outwards(i, n int) int {
	if i%2 == 1 {
		return n/2 - (i+1)/2
	}
	return n/2 + i/2
}
