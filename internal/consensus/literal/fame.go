package literal

import (
	"bytes"
	"slices"
)

// Fame is how the election stands for a witness of the pending round.
type Fame int

// The states of an election.
const (
	Undecided Fame = iota
	Famous
	NotFamous
)

// ballot is one witness's vote on another.
type ballot struct{ voter, candidate *vertex }

// candidate reports whether x stands for election: only the lowest undecided round is elected.
func (o *Oracle) candidate(x *vertex) bool { return x.witness() && x.round == int64(o.pending) }

// elect returns the famous witnesses of the pending round, and whether it is decided: whether it has a candidate
// and every known one is decided.
func (o *Oracle) elect() (famous []*vertex, decided bool) {
	for _, x := range o.graph {
		if !o.candidate(x) {
			continue
		}
		decided = true
		switch o.fame(x) {
		case Famous:
			famous = append(famous, x)
		case Undecided:
			return nil, false
		}
	}
	return famous, decided
}

// fame decides about one candidate: as the first voter does with which the matter is clear.
func (o *Oracle) fame(c *vertex) Fame {
	if o.late(c) {
		return NotFamous
	}
	for _, v := range o.graph {
		if verdict := o.verdict(v, c); verdict != Undecided {
			return verdict
		}
	}
	return Undecided
}

// late reports whether a candidate came when a witness two rounds above it was already there.
func (o *Oracle) late(c *vertex) bool {
	for _, x := range o.graph {
		if x == c {
			return false
		}
		if x.witness() && x.round >= c.round+2 {
			return true
		}
	}
	return false
}

// verdict is what the vote of v decides about c: at distance 1, together with all first votes before it; above that,
// by the tally of v alone, outside of coin rounds.
func (o *Oracle) verdict(v, c *vertex) Fame {
	d := v.round - c.round
	switch {
	case !v.witness() || d < 1:
		return Undecided
	case d == 1:
		return o.unanimous(v, c)
	case d%int64(o.coinPeriod) == 0:
		return Undecided
	}
	yes, no := o.tally(v, c)
	switch {
	case yes >= o.quorum:
		return Famous
	case no >= o.quorum:
		return NotFamous
	}
	return Undecided
}

// unanimous is what the first votes decide about c, up to that of the last voter: what every member said in one of its.
func (o *Oracle) unanimous(last, c *vertex) Fame {
	yes, no := map[int]bool{}, map[int]bool{}
	for _, v := range o.graph[:slices.Index(o.graph, last)+1] {
		switch {
		case !v.witness() || v.round != c.round+1:
		case o.vote(v, c):
			yes[v.Creator] = true
		default:
			no[v.Creator] = true
		}
	}
	switch o.members {
	case len(yes):
		return Famous
	case len(no):
		return NotFamous
	}
	return Undecided
}

// tally counts the votes of the witnesses, one round below v, that firstWitness(v) strongly saw. It is never taken
// at v itself: with forks, v may strongly see other witnesses than the event that opened its round for it.
func (o *Oracle) tally(v, c *vertex) (yes, no int) {
	for _, w := range firstWitness(v).stronglySees {
		switch {
		case w == nil:
		case o.vote(w, c):
			yes++
		default:
			no++
		}
	}
	return yes, no
}

// vote is the vote of v, a witness of a round above c's.
func (o *Oracle) vote(v, c *vertex) bool {
	vote, known := o.votes[ballot{v, c}]
	if !known {
		vote = o.castVote(v, c)
		o.votes[ballot{v, c}] = vote
	}
	return vote
}

func (o *Oracle) castVote(v, c *vertex) bool {
	d := v.round - c.round
	if d == 1 {
		return firstVote(v, c)
	}
	if o.flips(v, c) {
		return v.Coin&1 == 1
	}
	yes, no := o.tally(v, c)
	return yes >= no
}

// flips reports whether v votes with its coin: in every coinPeriod-th round of voting, without a clear tally.
func (o *Oracle) flips(v, c *vertex) bool {
	if (v.round-c.round)%int64(o.coinPeriod) != 0 {
		return false
	}
	yes, no := o.tally(v, c)
	return max(yes, no) < o.quorum
}

// firstVote is YES if firstWitness(v) strongly saw c, and NO if it strongly saw another witness of that creator;
// otherwise what v sees counts.
func firstVote(v, c *vertex) bool {
	if w := firstWitness(v).stronglySees[c.Creator]; w != nil {
		return w == c
	}
	return sees(v, c)
}

// sees reports whether c is the witness of its creator, in its round, that v sees: the one that v sees may be of a
// later round, and then c is looked for below it on the self-chain.
func sees(v, c *vertex) bool {
	w := firstSee(v, c.Creator)
	for w != nil && w.round > c.round {
		w = firstSelfWitness(w.self)
	}
	return w == c
}

// onePerCreator returns the judges among the famous witnesses, by creator: of one creator's, the lowest id.
func onePerCreator(famous []*vertex) []*vertex {
	slices.SortFunc(famous, func(a, b *vertex) int {
		x, y := a.ID(), b.ID()
		if a.Creator != b.Creator {
			return a.Creator - b.Creator
		}
		return bytes.Compare(x[:], y[:])
	})
	return slices.CompactFunc(famous, func(a, b *vertex) bool { return a.Creator == b.Creator })
}
