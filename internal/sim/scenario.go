package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
)

// Scenario is everything about a run but what chance does in it. All times are in ns.
type Scenario struct {
	Seed           uint64
	Kind           string // the name of what drew it
	Members        int
	Rounds         uint64 // decided before the load ends
	Span           int64  // passed before the load ends
	Safety         bool   // faults never heal; nodes must agree, but nothing need ever be ordered
	Mutation       consensus.Mutation
	DriverMutation driver.Mutation

	Network
	Load
	Clocks
	Pauses
	Crashes
	Liars
}

// kind is a family of scenarios around one theme.
type kind struct {
	name   string
	weight int // how often Random draws it, compared with the others
	draw   func(s *Scenario, r *rand.Rand)
}

// kinds returns all families. Each stands in the file of the faults that it is about.
func kinds() []kind {
	return slices.Concat(mixedKinds, networkKinds, clockKinds, pauseKinds, crashKinds, liarKinds)
}

// mixedKinds draw faults of all sorts at once.
var mixedKinds = []kind{{"mixed", 10, mixed}}

// Random returns the scenario of a seed, of any kind.
func Random(seed uint64) Scenario {
	r := rand.New(rand.NewPCG(seed, 2))
	all := kinds()
	total := 0
	for _, k := range all {
		total += k.weight
	}
	at := r.IntN(total)
	for _, k := range all {
		if at -= k.weight; at < 0 {
			return k.scenario(seed, r)
		}
	}
	panic("sim: weights do not add up")
}

// Kinds returns the names of all kinds.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Named returns the scenario of a seed and the kind of this name. It fails if there is none.
func Named(name string, seed uint64) (Scenario, error) {
	for _, k := range kinds() {
		if k.name == name {
			return k.scenario(seed, rand.New(rand.NewPCG(seed, 2))), nil
		}
	}
	return Scenario{}, fmt.Errorf("no kind of scenario is called %q", name)
}

// scenario draws one of the kind: four correct members on equal links, but for what the kind changes.
func (k kind) scenario(seed uint64, r *rand.Rand) Scenario {
	s := Scenario{Seed: seed, Kind: k.name, Members: 4, Rounds: 50}
	s.Network = Network{Delay: 10e6, Jitter: 0.1}
	s.Gap = 30e6
	s.SnapshotEvery, s.CheckpointGap = []uint64{8, 8, 8, 32}[seed%4], 1e9
	k.draw(&s, r)
	s.drawMode()
	return s
}

// drawMode lets faults never end in some seeds, and adds to them.
func (s *Scenario) drawMode() {
	r := rand.New(rand.NewPCG(s.Seed, 3))
	if r.IntN(8) > 0 {
		return
	}
	s.Safety = true
	if s.forgets() { // what a node showed before its disk suffered must reach all: see restarts
		return
	}
	s.Storm = s.Storm || r.IntN(2) == 0
	s.Episodes = s.Episodes || r.IntN(2) == 0
	s.Loss = max(s.Loss, pick(r, 0, 0.1, 0.3))
}

// mixed draws a bit of everything.
func mixed(s *Scenario, r *rand.Rand) {
	s.Members = pick(r, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 5, 5, 6, 7, 7, 7, 7, 2, 1, 4)
	if r.IntN(60) == 0 {
		s.Members = pick(r, 10, 10, 13)
	}
	s.randomNetwork(r)
	s.Gap = pick(r, s.Delay, 3*s.Delay, 10*s.Delay)
	s.Bursts = r.IntN(4) == 0
	f := faults(s.Members)
	for range f {
		switch r.IntN(8) {
		case 0, 1:
			s.Twins++
		case 2, 3:
			s.Puppets++
		case 4:
			s.Stopped++
		case 5, 6:
			s.Schemers++
		}
	}
	s.Scheme = pick(r, mixable...)
	s.Episodes = r.IntN(3) > 0
	s.Late = r.IntN(4) == 0
	s.Skew = pick[int64](r, 0, 0, 10e6, 1e9, 3600e9)
	s.Steps = r.IntN(8) == 0
	s.Storm = r.IntN(4) == 0
	if r.IntN(6) == 0 {
		s.Kill, s.Down, s.Away = 0.001, 1, 50*s.Delay
		s.SnapshotEvery = pick[uint64](r, 0, 1, 8)
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
