package literal

import "github.com/foxmq/foxmq/internal/event"

// Minutes tell how a round was decided, with everything that a person needs to follow it.
type Minutes struct {
	Round      uint64
	Candidates []Candidate // in the order of arrival, as the voters
	Voters     []Voter
	Received   []Received // in their final order
}

// Candidate is a witness of the round.
type Candidate struct {
	ID   event.ID
	Fame Fame
	Late bool // not famous, without an election
}

// Voter is a witness of a later round.
type Voter struct {
	ID       event.ID
	Distance int64      // its round − that of the candidates
	Opener   event.ID   // firstWitness(voter), at which votes are counted
	Saw      []event.ID // the witnesses of the round before its own that the opener strongly saw, by creator
	Votes    []Vote     // one a candidate
}

// Vote is what a voter says of one candidate.
type Vote struct {
	Yes, No int  // what it counted; 0 at distance 1
	Vote    bool // its own
	Coin    bool // and the coin made it
	Verdict Fame // what the count decides
}

// Received is an event with what it is ordered by.
type Received struct {
	ID         event.ID
	Times      []int64 // when the judges' creators first had it, ns, ascending
	Generation int     // among the events received
	Whitened   event.ID
}

// Watch makes the oracle hand the minutes of every round to f when it is decided.
func (o *Oracle) Watch(f func(Minutes)) { o.watch = f }

// minutes writes down the election that is over and what its judges will receive.
func (o *Oracle) minutes(judges []*vertex) Minutes {
	m := Minutes{Round: o.pending}
	var candidates []*vertex
	for _, c := range o.graph {
		if o.candidate(c) {
			candidates = append(candidates, c)
			m.Candidates = append(m.Candidates, Candidate{ID: c.ID(), Fame: o.fame(c), Late: o.late(c)})
		}
	}
	for _, v := range o.graph {
		if v.witness() && v.round > int64(o.pending) {
			m.Voters = append(m.Voters, o.voter(v, candidates))
		}
	}
	set := o.receive(judges)
	order(set, judges)
	for _, x := range set {
		m.Received = append(m.Received, Received{x.ID(), x.times, x.generation, xor(x.ID(), whiteness(judges))})
	}
	return m
}

func (o *Oracle) voter(v *vertex, candidates []*vertex) Voter {
	opener := firstWitness(v)
	voter := Voter{ID: v.ID(), Distance: v.round - int64(o.pending), Opener: opener.ID()}
	for _, w := range opener.stronglySees {
		if w != nil {
			voter.Saw = append(voter.Saw, w.ID())
		}
	}
	for _, c := range candidates {
		vote := Vote{Vote: o.vote(v, c), Verdict: o.verdict(v, c)}
		if voter.Distance > 1 {
			vote.Yes, vote.No = o.tally(v, c)
			vote.Coin = o.flips(v, c)
		}
		voter.Votes = append(voter.Votes, vote)
	}
	return voter
}
