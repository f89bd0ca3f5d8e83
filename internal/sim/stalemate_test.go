package sim

import (
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
)

// TestElectionsReachTheCoin makes sure that the scenarios meant for it do draw elections out: beyond the second round
// of voting, in which nearly all end, and past the one in which coins are flipped.
func TestElectionsReachTheCoin(t *testing.T) {
	t.Parallel()
	var decided [64]int
	for s := range uint64(20) {
		sc, err := Named("stalemate", s)
		if err != nil {
			t.Fatal(err)
		}
		r, failure := New(sc).Run()
		if failure != nil {
			t.Fatal(Report(sc, failure))
		}
		for distance, rounds := range r.Decided {
			decided[min(distance, len(decided)-1)] += rounds
		}
	}
	t.Logf("rounds by the distance of the vote that decided them: %v", decided)
	for _, want := range []struct{ distance, rounds int }{{3, 100}, {4, 20}, {consensus.DefaultCoinPeriod + 1, 5}} {
		got := 0
		for _, rounds := range decided[want.distance:] {
			got += rounds
		}
		if got < want.rounds {
			t.Errorf("%d rounds were decided at a distance of %d or more, want %d", got, want.distance, want.rounds)
		}
	}
}
