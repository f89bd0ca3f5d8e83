package sim

import (
	"math/rand/v2"

	"github.com/foxmq/foxmq/internal/consensus"
)

// Scenario is everything about a run but what chance does in it. All times are in ns.
type Scenario struct {
	Seed     uint64
	Members  int
	Rounds   uint64 // decided before the load ends
	Mutation consensus.Mutation

	// The network: Delay is the mean one-way delay between two members of one site, Far between two sites; each is
	// spread by Jitter of itself. Loss and Duplicates are probabilities for each message.
	Sites            int
	Delay, Far       int64
	Jitter           float64
	Loss, Duplicates float64
	Storm            bool // single directions of links become slow and fast again all the time

	// The load: each correct node submits a transaction every Gap on average; with Bursts it falls silent now and
	// then.
	Gap    int64
	Bursts bool

	// The faults. Members from 0 on are twins, then puppets, together with the crashed at most f.
	Twins, Puppets, Crashes int
	Episodes                bool  // partitions and cuts come and go
	Late                    bool  // nodes start at different times
	Skew                    int64 // clocks are off by up to this
	Steps                   bool  // and step back and forth
	Dead                    int   // members, the last ones, that never start
}

// liars returns how many members, from the first on, are not correct.
func (s *Scenario) liars() int { return s.Twins + s.Puppets }

// Random returns the scenario of a seed.
func Random(seed uint64) Scenario {
	r := rand.New(rand.NewPCG(seed, 2))
	s := Scenario{Seed: seed, Rounds: 50}
	s.Members = pick(r, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 5, 5, 6, 7, 7, 7, 7, 2, 1, 4)
	if r.IntN(60) == 0 {
		s.Members = pick(r, 10, 10, 13)
	}
	s.randomNetwork(r)
	s.Gap = pick(r, s.Delay, 3*s.Delay, 10*s.Delay)
	s.Bursts = r.IntN(4) == 0
	f := faults(s.Members)
	for range f {
		switch r.IntN(6) {
		case 0, 1:
			s.Twins++
		case 2, 3:
			s.Puppets++
		case 4:
			s.Crashes++
		}
	}
	s.Episodes = r.IntN(3) > 0
	s.Late = r.IntN(4) == 0
	s.Skew = pick[int64](r, 0, 0, 10e6, 1e9, 3600e9)
	s.Steps = r.IntN(8) == 0
	s.Storm = r.IntN(4) == 0
	return s
}

// randomNetwork chooses among equal links, jitter, a few sites far apart, and a LAN.
func (s *Scenario) randomNetwork(r *rand.Rand) {
	s.Sites, s.Delay, s.Jitter = 1, 10e6, 0.02
	switch r.IntN(4) {
	case 0:
	case 1:
		s.Jitter = 1
	case 2:
		s.Sites, s.Far = 2, 45e6
		s.Delay, s.Jitter = 5e6, 0.1
	case 3:
		s.Delay, s.Jitter = 1e6, 0.5
	}
	s.Loss = pick(r, 0, 0, 0.01, 0.05, 0.2)
	s.Duplicates = pick(r, 0, 0, 0.05)
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
