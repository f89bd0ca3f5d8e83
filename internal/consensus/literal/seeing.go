package literal

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
)

// facts is what consensus says about one event, given the judges of the last decided round.
type facts struct {
	round        int64     // consensus.NegInf for an event that plays no part any more, or never will
	parentRound  int64     // the highest round of its parents
	generation   int       // 0 for events of round −∞, else one more than the highest among its parents
	descends     bool      // from a judge of the last decided round, or is one
	lastSee      []*vertex // by member: the latest event of that member that it sees, on the canonical branch
	stronglySees []*vertex // by member: the witness of its parent round that it strongly sees
}

// settle computes the facts of x from those of its parents.
func (o *Oracle) settle(x *vertex) {
	x.facts = facts{round: consensus.NegInf, parentRound: consensus.NegInf}
	x.descends = slices.Contains(o.judges, x)
	for _, p := range x.parents {
		x.parentRound = max(x.parentRound, p.round)
		x.descends = x.descends || p.descends
		x.generation = max(x.generation, p.generation)
	}
	x.generation++
	x.round = o.round(x)
	if x.round == consensus.NegInf {
		x.generation = 0
		return
	}
	x.lastSee = o.lastSeen(x)
	x.stronglySees = o.stronglySeen(x)
	if count(x.stronglySees, func(w *vertex) bool { return w != nil }) >= o.quorum {
		x.round++ // case 6
	}
}

// round is the round of x by the cases 1 to 5, whose order counts, and the lower one of case 6.
func (o *Oracle) round(x *vertex) int64 {
	switch {
	case slices.Contains(o.judges, x) && x.parentRound == consensus.NegInf:
		return int64(o.pending) - 1
	case x.ordered || x.BirthRound < o.ancient:
		return consensus.NegInf
	case o.judges != nil && !x.descends:
		return consensus.NegInf
	case len(x.parents) == 0 && o.pending == 1:
		return 1
	}
	return x.parentRound
}

// witness reports whether x is its creator's first event of a round, on its branch.
func (x *vertex) witness() bool {
	return x.round > consensus.NegInf && (x.self == nil || x.self.round != x.round)
}

// firstSelfWitness goes down the self-chain of x to where the round of x begins. It is nil for no event and for
// one of round −∞.
func firstSelfWitness(x *vertex) *vertex {
	if x == nil || x.round == consensus.NegInf {
		return nil
	}
	for !x.witness() {
		x = x.self
	}
	return x
}

// lastSeen is lastSee(x, m) for every m: over the parents of x, the candidate of the highest round; on a tie the
// one of the higher generation, and only if both stand on one branch.
func (o *Oracle) lastSeen(x *vertex) []*vertex {
	seen := make([]*vertex, o.members)
	for m := range seen {
		for _, p := range x.parents {
			if c, best := lastSee(p, m), seen[m]; c != nil && (best == nil || c.round > best.round ||
				c.round == best.round && c.generation > best.generation && firstSelfWitness(c) == firstSelfWitness(best)) {
				seen[m] = c
			}
		}
	}
	seen[x.Creator] = x
	return seen
}

func lastSee(x *vertex, m int) *vertex {
	if x == nil || x.lastSee == nil {
		return nil
	}
	return x.lastSee[m]
}

// firstSee is the first witness, on its self-chain, of the round of lastSee(x, m).
func firstSee(x *vertex, m int) *vertex { return firstSelfWitness(lastSee(x, m)) }

// seeThru is the witness of m that x sees through k.
func seeThru(x *vertex, m, k int) *vertex {
	if m == k && m == x.Creator {
		return firstSelfWitness(x.self)
	}
	return firstSee(lastSee(x, k), m)
}

// stronglySeen is, for every member, the witness of the parent round of x that x strongly sees: what a parent of
// the same parent round already did, or what x sees through a supermajority.
func (o *Oracle) stronglySeen(x *vertex) []*vertex {
	strongly := make([]*vertex, o.members)
	if x.parentRound == consensus.NegInf {
		return strongly
	}
	for m := range strongly {
		if w := inherited(x, m); w != nil {
			strongly[m] = w
		} else if w := seeThru(x, m, m); w != nil && w.round == x.parentRound && o.throughQuorum(x, w) {
			strongly[m] = w
		}
	}
	return strongly
}

func inherited(x *vertex, m int) *vertex {
	for _, p := range x.parents {
		if p.stronglySees != nil && p.parentRound == x.parentRound && p.stronglySees[m] != nil {
			return p.stronglySees[m]
		}
	}
	return nil
}

func (o *Oracle) throughQuorum(x, w *vertex) bool {
	through := 0
	for k := range o.members {
		if seeThru(x, w.Creator, k) == w {
			through++
		}
	}
	return through >= o.quorum
}

// firstWitness is the event with which the round of x began for x: x itself, or its first parent's of that round.
func firstWitness(x *vertex) *vertex {
	for x.round == x.parentRound {
		x = x.parents[slices.IndexFunc(x.parents, func(p *vertex) bool { return p.round == x.round })]
	}
	return x
}

func count(list []*vertex, f func(*vertex) bool) (n int) {
	for _, x := range list {
		if f(x) {
			n++
		}
	}
	return n
}
