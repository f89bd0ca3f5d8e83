package graphtest

import "math/rand/v2"

// plan is what a seed draws before its graph is made.
type plan struct {
	kind       string
	members    int
	coinPeriod int
	roundsKept int
	events     int

	fewest   float64 // the least share of the others' tips that an event takes as parents, 0 to 1
	lone     float64 // probability of an event with at most one other-parent
	delay    int     // longest way of an event from its creator to another member, in steps
	lockstep bool    // members take turns instead of coming at random
	halves   float64 // probability that an event takes parents of its creator's own half of the members only
	far      int     // how much longer the way to the other half is, in steps

	silent int // members that never speak
	slow   int // members whose events mostly stay with them for long
	late   int // for how long, in steps

	faulty     int     // members that do what follows
	fork       float64 // probability that a faulty member starts another branch
	branches   int     // at most so many
	deep       int     // how far below its tip a branch may start, in events
	fabricate  float64 // probability of a claim about a parent that is not true
	misdate    float64 // probability of a birth round that is not the pending one
	clock      int64   // ns per step
	skew       int64   // of the members' clocks, ns
	frozen     float64 // share of the members whose clock stands still
	commonView bool    // all members share one idea of the pending round, to save time
}

// kinds are the families of graphs. Each refines the plan that draw begins with, and is drawn as often as its weight
// says.
var kinds = []struct {
	name   string
	weight int
	refine func(p *plan, rng *rand.Rand)
}{
	{"gossip", 20, func(*plan, *rand.Rand) {}},
	{"lockstep", 10, func(p *plan, _ *rand.Rand) { p.lockstep = true }},
	{"silent", 8, func(p *plan, rng *rand.Rand) { p.silent = upTo(rng, (p.members-1)/3) }},
	{"slow", 14, func(p *plan, rng *rand.Rand) {
		p.slow = upTo(rng, (p.members-1)/3)
		p.late = 10 + rng.IntN(60)
		p.roundsKept = 1 + rng.IntN(3)
	}},
	{"halves", 6, func(p *plan, rng *rand.Rand) {
		p.halves, p.fewest, p.lockstep = 0.5+rng.Float64()/2.2, 1, rng.IntN(2) == 0
		p.coinPeriod = 3
	}},
	{"oceans", 10, func(p *plan, rng *rand.Rand) {
		p.far, p.fewest, p.lockstep, p.delay = 1+rng.IntN(4*p.members), 1, true, rng.IntN(2)
	}},
	{"forks", 14, func(p *plan, rng *rand.Rand) {
		p.faulty = upTo(rng, (p.members-1)/3)
		p.fork, p.branches, p.deep = 0.05+rng.Float64()/3, 2, 1+rng.IntN(20)
	}},
	{"fork bomb", 6, func(p *plan, rng *rand.Rand) {
		p.faulty = upTo(rng, (p.members-1)/3)
		p.fork, p.branches, p.deep = 0.6, 3+rng.IntN(5), 30
	}},
	{"lies", 8, func(p *plan, rng *rand.Rand) {
		p.faulty = upTo(rng, (p.members-1)/3)
		p.fabricate = 0.1 + rng.Float64()/2
		p.roundsKept = 1 + rng.IntN(5)
	}},
	{"births", 6, func(p *plan, rng *rand.Rand) {
		p.faulty = upTo(rng, (p.members-1)/3)
		p.misdate = 0.2 + rng.Float64()/2
		p.roundsKept = 1 + rng.IntN(3)
	}},
	{"everything", 10, func(p *plan, rng *rand.Rand) {
		p.faulty = upTo(rng, (p.members-1)/3)
		p.fork, p.branches, p.deep = rng.Float64()/4, 2+rng.IntN(3), 1+rng.IntN(20)
		p.fabricate, p.misdate = rng.Float64()/4, rng.Float64()/4
		p.slow, p.late, p.roundsKept = rng.IntN(2), 40, 1+rng.IntN(3)
		p.coinPeriod = 3 + rng.IntN(2)
	}},
	{"beyond f", 4, func(p *plan, rng *rand.Rand) {
		p.faulty = upTo(rng, p.members)
		p.fork, p.branches, p.deep = rng.Float64()/3, 2+rng.IntN(3), 1+rng.IntN(20)
		p.fabricate, p.misdate = rng.Float64()/4, rng.Float64()/4
	}},
}

// draw makes the plan of a seed: every 200th a long graph, every 500th one of many members.
func draw(rng *rand.Rand, seed uint64) plan {
	p := plan{
		members:    members(rng),
		coinPeriod: 3 + rng.IntN(4),
		roundsKept: []int{1, 2, 3, 5, 26}[rng.IntN(5)],
		fewest:     rng.Float64(),
		delay:      rng.IntN(8),
		clock:      []int64{0, 1, 1000, 1e6}[rng.IntN(4)],
		skew:       []int64{0, 0, 10, 1e9}[rng.IntN(4)],
	}
	if rng.IntN(3) == 0 {
		p.lone = rng.Float64()
	}
	if rng.IntN(4) == 0 {
		p.frozen = rng.Float64()
	}
	p.events = 10 + rng.IntN(34*p.members)
	switch {
	case seed%200 == 1:
		p.makeLong(rng)
	case seed%500 == 2:
		p.makeLarge(rng)
	}
	p.refine(rng)
	return p
}

// refine draws a kind and applies it.
func (p *plan) refine(rng *rand.Rand) {
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	pick := rng.IntN(total)
	for _, k := range kinds {
		if pick -= k.weight; pick < 0 {
			p.kind = k.name
			k.refine(p, rng)
			return
		}
	}
}

// makeLong plans for some 60 decided rounds, so that most events go ancient.
func (p *plan) makeLong(rng *rand.Rand) {
	p.members = 1 + rng.IntN(4)
	p.events = 170 * p.members
	p.fewest, p.lone, p.delay = 0.9, 0, rng.IntN(2)
	p.roundsKept = []int{5, 5, 26}[rng.IntN(3)]
}

func (p *plan) makeLarge(rng *rand.Rand) {
	p.members = 8 + rng.IntN(24)
	p.events = 12 * p.members
	p.fewest, p.lone, p.delay = 0.8, 0, rng.IntN(4)
	p.commonView = true
}

// members draws a small cluster, mostly of four.
func members(rng *rand.Rand) int {
	return []int{1, 2, 3, 4, 4, 4, 4, 4, 5, 5, 6, 7}[rng.IntN(12)]
}

// upTo draws from 1 to most; 0 if most is.
func upTo(rng *rand.Rand, most int) int {
	if most < 1 {
		return 0
	}
	return 1 + rng.IntN(most)
}
