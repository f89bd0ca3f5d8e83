package consensus

import (
	"errors"
	"fmt"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// ballotBox returns an engine with one candidate of round 1 and a voter, with index n, that has all n as electors.
// The first yes of them voted YES.
func ballotBox(cfg Config, yes int) (e *Engine, voter *vertex, c *candidate) {
	e = New(cfg)
	h := e.alloc()
	e.vertices[h] = vertex{event: &event.Event{}, voter: int32(cfg.Members)}
	e.election.stand(h)
	c = &e.election.candidates[0]
	for i := range int32(cfg.Members) {
		c.yes.set(i, int(i) < yes)
		e.scratch.voters = append(e.scratch.voters, i)
	}
	return e, &e.vertices[h], c
}

// TestTally shows when a voter decides and when it flips its coin: with 4 members, 3 are a supermajority.
func TestTally(t *testing.T) {
	tests := []struct {
		yes      int
		distance int64
		coin     byte
		vote     bool
		fame     fame
	}{
		{4, 2, 0, true, famous},
		{3, 2, 0, true, famous},
		{2, 2, 0, true, undecided}, // a tie is YES
		{1, 2, 1, false, notFamous},
		{0, 2, 1, false, notFamous},
		{2, 4, 0, true, undecided},
		{2, 5, 0, false, undecided}, // the coin, whatever the majority
		{2, 5, 1, true, undecided},
		{2, 5, 2, false, undecided}, // only bit 0 counts
		{3, 5, 0, true, undecided},  // a supermajority is followed, but decides nothing
		{1, 5, 1, false, undecided},
		{3, 6, 0, true, famous},
		{2, 10, 1, true, undecided},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d YES at distance %d, coin %d", test.yes, test.distance, test.coin), func(t *testing.T) {
			e, voter, c := ballotBox(Config{Members: 4}, test.yes)
			voter.event.Coin = test.coin
			e.voteByTally(voter, c, test.distance)
			if got := c.yes.has(voter.voter); got != test.vote {
				t.Errorf("vote: got %t, want %t", got, test.vote)
			}
			if c.fame != test.fame {
				t.Errorf("fame: got %d, want %d", c.fame, test.fame)
			}
		})
	}
}

// TestLateCandidate shows when a candidate is elected and when it is late.
func TestLateCandidate(t *testing.T) {
	for highest, want := range map[int64]fame{NegInf: undecided, 7: undecided, 8: undecided, 9: notFamous, 10: notFamous} {
		var l election
		l.reset(7)
		l.highest = highest
		l.stand(1)
		if got := l.candidates[0].fame; got != want {
			t.Errorf("candidate of round 7, witness of round %d known: got %d, want %d", highest, got, want)
		}
	}
}

// TestTooFewJudges shows that an engine whose round has fewer judges than a supermajority orders nothing any more.
func TestTooFewJudges(t *testing.T) {
	e, voter, c := ballotBox(Config{Members: 4}, 4)
	e.voteByTally(voter, c, 2)
	if rounds := e.advance(); rounds != nil || !errors.Is(e.Err(), ErrJudges) {
		t.Errorf("got %v, error %v", rounds, e.Err())
	}
	ev := &event.Event{Creator: 1, Seq: 1, BirthRound: 1}
	if err := ev.Seal(event.Domain{}); err != nil {
		t.Fatal(err)
	}
	if e.Insert(ev); e.Get(ev.ID()) == nil {
		t.Error("takes in no events any more")
	}
}

// TestJudgesOfForks shows that a member has one judge at most.
func TestJudgesOfForks(t *testing.T) {
	e := New(Config{Members: 4})
	ids := map[event.ID]bool{}
	for i := range 6 {
		ev := &event.Event{Creator: 3 - i%2, Seq: 1, BirthRound: 1, Time: int64(i)}
		if err := ev.Seal(event.Domain{}); err != nil {
			t.Fatal(err)
		}
		e.election.stand(e.add(ev))
		e.election.candidates[i].fame = famous
		ids[ev.ID()] = true
	}
	e.election.candidates[5].fame = notFamous
	judges := e.electJudges()
	if len(judges) != 2 || e.vertices[judges[0]].creator != 2 || e.vertices[judges[1]].creator != 3 {
		t.Fatalf("got %d judges", len(judges))
	}
	for _, j := range judges {
		id := e.vertices[j].event.ID()
		for _, h := range e.active[:5] {
			other := e.vertices[h].event.ID()
			if e.vertices[h].creator == e.vertices[j].creator && string(other[:]) < string(id[:]) {
				t.Errorf("%v is the lower one, judge is %v", other, id)
			}
		}
	}
}

// TestCoinPeriod shows that no coin is flipped before the third round of voting.
func TestCoinPeriod(t *testing.T) {
	for period, want := range map[int]int{0: DefaultCoinPeriod, 1: 3, 2: 3, 3: 3, 4: 4} {
		if got := New(Config{Members: 4, CoinPeriod: period}).cfg.CoinPeriod; got != want {
			t.Errorf("coin period %d: got %d, want %d", period, got, want)
		}
	}
}
