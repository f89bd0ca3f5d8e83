package sim

import (
	"math/rand/v2"

	"github.com/foxmq/foxmq/internal/event"
)

// Network is what a scenario says of the links. Delay is the mean one-way delay in ns over all pairs of members, and
// the scenario's unit of time; each message's is spread by Jitter of its link's. Loss, Duplicates and Held are
// probabilities for each message.
type Network struct {
	Layout           Layout
	Delay            int64
	Jitter           float64
	Loss, Duplicates float64
	Held             float64 // a message arrives only after many that were sent later
	Slow             int     // so many links, in one direction, take ten times as long throughout
	Rate             int64   // bytes per second of each link, in each direction; 0 is without bound
	Queue            int     // bytes that may wait at a link; with one too many all are dropped
	Storm            bool    // single directions of links become slow and fast again all the time
	Stalemate        bool    // delays are chosen so that elections drag on
	Episodes         bool    // cuts come and go
	Cuts             Cuts    // of which sort
}

// networkKinds draw scenarios about links.
var networkKinds = []kind{
	{"equal", 1, func(s *Scenario, r *rand.Rand) { s.size(r) }},
	{"jitter", 1, func(s *Scenario, r *rand.Rand) { s.size(r); s.Jitter = 1.6 }},
	{"us-eu", 1, func(s *Scenario, r *rand.Rand) { s.size(r); s.stretch(pick(r, TwoSites, Atlantic), 42e6) }},
	{"seven regions", 1, func(s *Scenario, r *rand.Rand) { s.size(r); s.stretch(Global, 70e6) }},
	{"lossy", 1, lossy},
	{"reorder", 1, func(s *Scenario, r *rand.Rand) { s.size(r); s.Held = pick(r, 0.01, 0.1, 0.5) }},
	{"bandwidth", 1, narrow},
	{"slow links", 1, func(s *Scenario, r *rand.Rand) { s.size(r); s.Slow = 1 + r.IntN(s.Members) }},
	{"silent f", 1, silent},
	{"partition 2/2", 1, func(s *Scenario, _ *rand.Rand) { s.Episodes, s.Cuts = true, Halves }},
	{"partition 3/1", 1, func(s *Scenario, _ *rand.Rand) { s.Episodes, s.Cuts = true, OneAlone }},
	{"one-way cuts", 1, oneWay},
	{"far member", 1, farMember},
	{"storm", 1, stormy},
}

// size draws how many members there are: large clusters are rare, for their runs are long.
func (s *Scenario) size(r *rand.Rand) {
	s.Members = pick(r, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 5, 6, 7, 7, 7, 7)
	switch n := r.IntN(1000); {
	case n < 1:
		s.Members = 31
	case n < 20:
		s.Members = pick(r, 8, 10, 13)
	}
}

// stretch sets the layout and the mean delay, and a load that goes with it.
func (s *Scenario) stretch(l Layout, delay int64) {
	s.Layout, s.Delay, s.Gap = l, delay, 3*delay
}

// lossy loses messages and doubles some.
func lossy(s *Scenario, r *rand.Rand) {
	s.size(r)
	s.Loss, s.Duplicates = pick(r, 0.02, 0.1, 0.3), pick(r, 0, 0.1)
}

// narrow lets messages wait for each other at links that carry little more than what is needed, or less.
func narrow(s *Scenario, r *rand.Rand) {
	s.size(r)
	s.Rate = int64(s.Members) * pick[int64](r, 5e3, 20e3, 50e3)
	s.Queue = 64 << 10
}

// silent is a cluster with f members that never start, and links that are slow.
func silent(s *Scenario, r *rand.Rand) {
	s.size(r)
	s.Dead, s.Slow = faults(s.Members), r.IntN(3)
}

// oneWay cuts single directions of links: some members are not heard by all that they hear.
func oneWay(s *Scenario, r *rand.Rand) {
	s.size(r)
	s.Episodes, s.Cuts = true, pick(r, OneWay, OneDeaf, OneMute, Chain)
}

// farMember is a cluster of members near each other and one that is far away.
func farMember(s *Scenario, r *rand.Rand) {
	s.Members = pick(r, 4, 4, 5, 7)
	s.stretch(Remote, 50e6)
}

// stormy is a cluster of correct nodes on links that become slow and fast again: elections are drawn out, and nodes
// adopt rounds that others opened.
func stormy(s *Scenario, r *rand.Rand) {
	s.Members = 4 + r.IntN(4)
	s.Jitter, s.Storm, s.Gap = 1, true, 20e6
}

// randomNetwork chooses among equal links, jitter, two sites far apart, and a LAN.
func (n *Network) randomNetwork(r *rand.Rand) {
	n.Delay, n.Jitter = 10e6, 0.02
	switch r.IntN(4) {
	case 0:
	case 1:
		n.Jitter = 1
	case 2:
		n.Layout, n.Delay, n.Jitter = TwoSites, 32e6, 0.1
	case 3:
		n.Delay, n.Jitter = 1e6, 0.5
	}
	n.Loss = pick(r, 0, 0, 0.01, 0.05, 0.2)
	n.Duplicates = pick(r, 0, 0, 0.05)
}

// network decides when and whether a message arrives.
type network struct {
	w     *World
	links [][]link  // from, to
	cut   [][]bool  // from, to: nothing arrives
	lag   [][]int64 // from, to: how many times as long as usual a message takes
}

func newNetwork(w *World) *network {
	n := &network{
		w:     w,
		links: newLinks(&w.sc),
		cut:   make([][]bool, w.sc.Members),
		lag:   make([][]int64, w.sc.Members),
	}
	for i := range n.cut {
		n.cut[i] = make([]bool, w.sc.Members)
		n.lag[i] = make([]int64, w.sc.Members)
	}
	for range w.sc.Slow {
		l := &n.links[w.rng.IntN(w.sc.Members)][w.rng.IntN(w.sc.Members)]
		l.mean *= 10
	}
	return n
}

// delay draws how long a message from one member to another takes.
func (n *network) delay(from, to int) int64 {
	mean := n.links[from][to].mean
	spread := int64(float64(mean) * n.w.sc.Jitter)
	return max(1000, mean-spread/2+n.w.between(0, spread+1)) * max(1, n.lag[from][to])
}

// storm makes all that one member says slow for a while, or the links between some, then others.
func (n *network) storm() {
	w := n.w
	slow := w.rng.IntN(w.sc.Members)
	for i := range n.lag {
		for j := range n.lag[i] {
			n.lag[i][j] = 1
			if i == slow && w.chance(0.8) || w.chance(0.1) {
				n.lag[i][j] = w.between(3, 12)
			}
		}
	}
	if !w.ended {
		w.after(w.between(3*w.sc.Delay, 20*w.sc.Delay), n.storm)
	} else {
		for i := range n.lag {
			clear(n.lag[i])
		}
	}
}

// send lets a message travel, and arrive never, once or twice. The receiving member's half is chosen when it
// arrives.
func (n *network) send(from, to int, m *event.Message) {
	w := n.w
	if n.cut[from][to] || !w.ended && w.chance(w.sc.Loss) {
		return
	}
	p, departs := &parcel{}, int64(0)
	if w.sc.Rate > 0 {
		var room bool
		if p, room = n.links[from][to].enqueue(w.now, w.sc.Rate, w.sc.Queue, sizeOf(m)); !room {
			w.after(0, func() { w.tellLost(from, to) })
			return
		}
		departs = p.departs - w.now
	}
	life := w.members[to].life // a connection ends with the process
	deliver := func() {
		if life == w.members[to].life && !n.cut[from][to] && !p.lost {
			w.deliver(from, to, m)
		}
	}
	w.after(departs+n.delay(from, to)+n.held(), deliver)
	if w.chance(w.sc.Duplicates) {
		w.after(departs+n.delay(from, to)+n.delay(from, to)+n.held(), deliver)
	}
}

// held draws for how long a message is held back while others overtake it.
func (n *network) held() int64 {
	if w := n.w; w.chance(w.sc.Held) {
		return w.between(0, 40*w.sc.Delay)
	}
	return 0
}

// tellLost tells a member's nodes that what they had queued for another was dropped.
func (w *World) tellLost(from, to int) {
	for _, h := range w.members[from].hosts {
		if h.up() {
			h.driver.Lost(to, h.clock())
			h.settle()
		}
	}
}

// deliver hands a message to whatever stands for the member.
func (w *World) deliver(from, to int, m *event.Message) {
	w.note('d', from, to, nil)
	w.watchMessage(from, to, m)
	if w.chance(0.05) {
		m = resign(w, m)
	}
	t := &w.members[to]
	if t.puppet != nil {
		t.puppet.receive(from, m)
	}
	for _, h := range t.hosts {
		if h.hears(from) {
			h.receive(from, m)
		}
	}
}

// resign returns the message with other signatures, as if its events had come by way of nodes that hold other
// valid signatures of them: nothing may depend on that.
func resign(w *World, m *event.Message) *event.Message {
	c := *m
	c.Events = make([]*event.Event, len(m.Events))
	for i, e := range m.Events {
		other := *e
		other.Signature[0] = byte(w.rng.Uint32())
		c.Events[i] = &other
	}
	return &c
}

// eachHost calls f with every node that runs, by index.
func (w *World) eachHost(f func(*host)) {
	for i := range w.members {
		for _, h := range w.members[i].hosts {
			if h.started && !h.crashed {
				f(h)
			}
		}
	}
}
