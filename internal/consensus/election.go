package consensus

import (
	"bytes"
	"slices"
)

// election decides which witnesses of the pending round are famous.
type election struct {
	round      int64
	candidates []candidate
	undecided  int
	voters     int32 // witnesses of later rounds so far
	highest    int64 // round of a witness so far

	first [][]int32 // by member: its witnesses among these of the next round, whose votes are the first ones
	heard int       // members that have one
}

// candidate is a witness of the pending round.
type candidate struct {
	vertex handle
	fame   fame
	yes    bitset // of the voters, who voted YES
}

type fame uint8

const (
	undecided fame = iota
	famous
	notFamous
)

// reset begins the election of a round.
func (l *election) reset(round uint64) {
	for m := range l.first {
		l.first[m] = l.first[m][:0]
	}
	*l = election{round: int64(round), candidates: l.candidates[:0], highest: NegInf, first: l.first}
}

// decided reports whether the round is: whether it has a candidate and every one known is decided.
func (l *election) decided() bool { return len(l.candidates) > 0 && l.undecided == 0 }

// stand adds a candidate. One that was first learned when a witness two rounds above it was already there cannot be
// famous: that witness, and those that it strongly sees, do not descend from it.
func (l *election) stand(h handle) {
	i := len(l.candidates)
	l.candidates = slices.Grow(l.candidates, 1)[:i+1] // its bitset's memory is that of an earlier election
	c := &l.candidates[i]
	c.vertex, c.fame, c.yes = h, undecided, c.yes[:0]
	if l.highest >= l.round+2 {
		c.fame = notFamous
		return
	}
	l.undecided++
}

func (l *election) settle(c *candidate, yes bool) {
	c.fame = notFamous
	if yes {
		c.fame = famous
	}
	l.undecided--
}

// enroll lets a vertex whose round was just found take its part in the election, if it is a witness: as a candidate
// or as a voter.
func (e *Engine) enroll(h handle) {
	if !e.witness(h) {
		return
	}
	l := &e.election
	v := &e.vertices[h]
	switch {
	case v.round == l.round:
		l.stand(h)
		e.observeFame(&l.candidates[len(l.candidates)-1], 0)
		e.settleUnanimous()
	case v.round > l.round:
		v.voter = l.voters
		l.voters++
		e.vote(h)
		if v.round == l.round+1 {
			l.hear(v)
			e.settleUnanimous()
		}
	}
	l.highest = max(l.highest, v.round)
}

// hear notes one that has cast first votes.
func (l *election) hear(v *vertex) {
	if len(l.first[v.creator]) == 0 {
		l.heard++
	}
	l.first[v.creator] = append(l.first[v.creator], v.voter)
}

// settleUnanimous decides the candidates on which every member's first vote is the same. No tally to come can turn
// out otherwise: most of any voter's electors are those of correct members, and each of these has only the one
// witness that has voted already. If a member that forked has voted both ways, either vote will do. Were a fork a
// reason to wait, one member could know a round to be decided, and make its next events in the round after it,
// which another one could not take in, who knows more forks and waits for a tally.
func (e *Engine) settleUnanimous() {
	l := &e.election
	needed := e.members
	if e.cfg.Mutation == UnanimousButOne {
		needed--
	}
	if l.heard < needed || e.cfg.TallyOnly {
		return
	}
	for i := range l.candidates {
		for _, vote := range []bool{true, false} {
			if c := &l.candidates[i]; c.fame == undecided && l.alike(c, vote) >= needed {
				l.settle(c, vote)
				e.observeFame(c, 1)
			}
		}
	}
}

// alike counts the members one of whose first votes on the candidate is this.
func (l *election) alike(c *candidate, vote bool) (n int) {
	for _, voters := range l.first {
		if slices.ContainsFunc(voters, func(v int32) bool { return c.yes.has(v) == vote }) {
			n++
		}
	}
	return n
}

// vote lets a voter vote on every candidate that is not decided. A candidate that is learned after a voter is none
// of its ancestors; the vote missing in its set is a NO, as it should be.
func (e *Engine) vote(h handle) {
	l := &e.election
	v := &e.vertices[h]
	distance := v.round - l.round
	if distance > 1 {
		e.findElectors(h)
		e.observeTally(h)
	}
	for i := range l.candidates {
		c := &l.candidates[i]
		switch {
		case c.fame != undecided:
		case distance == 1:
			c.yes.set(v.voter, e.firstVote(h, c.vertex))
		default:
			e.voteByTally(v, c, distance)
		}
	}
}

// voteByTally votes as the majority of the electors did. Where a supermajority of them voted alike, the candidate
// is decided, but for the rounds in which coins are flipped: there nothing is decided, and without a supermajority
// the coin is the vote.
func (e *Engine) voteByTally(v *vertex, c *candidate, distance int64) {
	yes := 0
	for _, voter := range e.scratch.voters {
		if c.yes.has(voter) {
			yes++
		}
	}
	no := len(e.scratch.voters) - yes
	clear := max(yes, no) >= e.quorum
	coin := distance%int64(e.cfg.CoinPeriod) == 0
	vote := yes >= no
	if coin && !clear {
		vote = e.coin(v)
	}
	c.yes.set(v.voter, vote)
	if clear && !coin {
		e.election.settle(c, vote)
		e.observeFame(c, distance)
	}
}

func (e *Engine) coin(v *vertex) bool {
	if e.cfg.Mutation == CoinByteTest {
		return v.event.Coin != 0
	}
	return v.event.Coin&1 == 1
}

// findElectors fills scratch.voters with those whose votes the voter counts: the witnesses, of the round before its
// own, that the event with which its round began strongly sees. They are not taken at the voter itself: in a graph
// with forks it may strongly see others by then, and two voters could decide one candidate differently.
func (e *Engine) findElectors(h handle) {
	opener := e.vertices[h].firstWitness
	if e.cfg.Mutation == TallyAtVoter {
		opener = h
	}
	voters := e.scratch.voters[:0]
	for _, w := range e.row(opener, stronglySee) {
		if w != 0 {
			voters = append(voters, e.vertices[w].voter)
		}
	}
	e.scratch.voters = voters
}

// firstVote is the vote of a witness of the round after the candidate's. What the event with which its round began
// strongly sees of a member settles it. By now the voter may stand on another branch of that member; but if a
// witness that was strongly seen could be voted down for that, one member that forks could leave a round with fewer
// judges than a supermajority.
func (e *Engine) firstVote(h, candidate handle) bool {
	opener, m := e.vertices[h].firstWitness, e.vertices[candidate].creator
	if w := e.row(opener, stronglySee)[m]; w != 0 {
		return w == candidate
	}
	return e.sees(h, candidate)
}

// sees reports whether the candidate is the witness, of its creator in its round, that the vertex sees.
func (e *Engine) sees(h, candidate handle) bool {
	c := &e.vertices[candidate]
	w := e.row(h, firstSee)[c.creator]
	for e.vertices[w].round > c.round {
		w = e.vertices[e.vertices[w].self].firstSelfWitness
	}
	return w == candidate
}

// electJudges returns the judges of the decided round, by creator: its famous witnesses, and of those of a creator
// that forked the one with the lowest id.
func (e *Engine) electJudges() []handle {
	var judges []handle
	for i := range e.election.candidates {
		if c := &e.election.candidates[i]; c.fame == famous {
			judges = append(judges, c.vertex)
		}
	}
	slices.SortFunc(judges, func(a, b handle) int {
		x, y := &e.vertices[a], &e.vertices[b]
		if x.creator != y.creator {
			return x.creator - y.creator
		}
		i, j := x.event.ID(), y.event.ID()
		return bytes.Compare(i[:], j[:])
	})
	return slices.CompactFunc(judges, func(a, b handle) bool {
		return e.vertices[a].creator == e.vertices[b].creator
	})
}
