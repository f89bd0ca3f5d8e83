package literal_test

import (
	"math/rand/v2"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/graphtest"
	"github.com/foxmq/foxmq/internal/consensus/literal"
)

// FuzzGraphFromBytes compares the engine with the oracle on graphs that bytes describe.
func FuzzGraphFromBytes(f *testing.F) {
	for _, data := range written() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkAll(t, graphtest.FromBytes(data, open)) })
}

// checkAll holds the two against each other event by event, with other orders of arrival and with nodes that start
// from snapshots. With at most f liars all promises must be kept; with more, the two must still agree.
func checkAll(t *testing.T, g *graphtest.Graph) {
	t.Helper()
	equal := func(g *graphtest.Graph) error { return compare(g, consensus.NoMutation) }
	for _, check := range []func(*graphtest.Graph) error{equal, anyOrderGivesOneLog, restoredGoesOnAlike} {
		if err := check(g); err != nil {
			t.Errorf("%d members, %d of them liars: %v", g.Members, g.Faulty, err)
		}
	}
}

// TestBytesReachEverything makes sure that something happens in graphs from bytes.
func TestBytesReachEverything(t *testing.T) {
	var seen tally
	for seed := range uint64(200) {
		g := graphFromBytes(seed)
		checkAll(t, g)
		seen.count(g)
	}
	t.Logf("%+v", seen)
	for name, count := range map[string]int{
		"rounds of four and more": seen.large, "snapshots that lack events": seen.aged, "stale events": seen.stale,
		"voters at the coin period and beyond": seen.long, "coins": seen.coins, "late witnesses": seen.late,
		"graphs with liars, up to f": seen.sound, "graphs with more": seen.unsound,
		"two famous witnesses of one member": seen.twins,
	} {
		if count == 0 {
			t.Errorf("no %s", name)
		}
	}
}

// graphFromBytes is the graph of random bytes, or of written ones some of which are random.
func graphFromBytes(seed uint64) *graphtest.Graph {
	data := randomBytes(seed)
	if rng := rand.New(rand.NewPCG(seed, 0xc4a6e)); seed%2 == 0 {
		known := written()
		data = known[rng.IntN(len(known))]
		for range min(rng.IntN(10), len(data)) {
			data[rng.IntN(len(data))] = byte(rng.Uint32())
		}
	}
	return graphtest.FromBytes(data, open)
}

// randomBytes draws a string in which more or fewer bytes are zero, and of which more or less is repeated, for votes
// stay divided only where a pattern of delays does.
func randomBytes(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0xb17e5))
	data := make([]byte, 3+6*rng.IntN(160))
	plain, period := rng.Float64(), 6*(1+rng.IntN(30))
	for i := range data {
		switch {
		case i > 2 && rng.Float64() < plain:
		case i >= 3+period && rng.IntN(50) > 0:
			data[i] = data[i-period]
		default:
			data[i] = byte(rng.Uint32())
		}
	}
	return data
}

// tally counts what happens in graphs.
type tally struct {
	graphs, events, rounds, large, aged, stale, long, coins, late, sound, unsound, twins int
}

func (y *tally) count(g *graphtest.Graph) {
	y.graphs++
	y.events += len(g.Events)
	if g.Faulty > 0 && g.Sound() {
		y.sound++
	} else if g.Faulty > 0 {
		y.unsound++
	}
	oracle := literal.New(g.Members, g.CoinPeriod, g.RoundsKept)
	var minutes []literal.Minutes
	oracle.Watch(func(m literal.Minutes) { minutes = append(minutes, m) })
	for _, ev := range g.Events {
		for i, r := range oracle.Insert(ev) {
			y.round(g, r)
			y.election(g, r, minutes[i])
		}
		minutes = nil
	}
}

func (y *tally) round(g *graphtest.Graph, r consensus.Round) {
	y.rounds++
	y.stale += len(r.Stale)
	if g.Members > 3 {
		y.large++
	}
	if r.Ancient > 1 {
		y.aged++
	}
}

func (y *tally) election(g *graphtest.Graph, r consensus.Round, m literal.Minutes) {
	famous := 0
	for _, c := range m.Candidates {
		if c.Late {
			y.late++
		}
		if c.Fame == literal.Famous {
			famous++
		}
	}
	if famous > len(r.Judges) {
		y.twins++
	}
	for _, v := range m.Voters {
		if v.Distance >= int64(g.CoinPeriod) {
			y.long++
		}
		for _, vote := range v.Votes {
			if vote.Coin {
				y.coins++
			}
		}
	}
}
