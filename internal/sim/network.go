package sim

import (
	"math/rand/v2"

	"github.com/foxmq/foxmq/internal/event"
)

// Network is what a scenario says of the links. Delay is the mean one-way delay between two members of one site, Far
// between two sites, in ns; each is spread by Jitter of itself. Loss and Duplicates are probabilities for each
// message.
type Network struct {
	Sites            int
	Delay, Far       int64
	Jitter           float64
	Loss, Duplicates float64
	Storm            bool // single directions of links become slow and fast again all the time
	Episodes         bool // partitions and cuts come and go
	Remote           bool // the last member is at another site, all others are at one
}

// networkKinds draw scenarios about links.
var networkKinds = []kind{{"storm", 1, stormy}}

// stormy is a cluster of correct nodes on links that become slow and fast again: elections are drawn out, and nodes
// adopt rounds that others opened.
func stormy(s *Scenario, r *rand.Rand) {
	s.Members = 4 + r.IntN(4)
	s.Jitter, s.Storm, s.Gap = 1, true, 20e6
}

// randomNetwork chooses among equal links, jitter, a few sites far apart, and a LAN.
func (n *Network) randomNetwork(r *rand.Rand) {
	n.Sites, n.Delay, n.Jitter = 1, 10e6, 0.02
	switch r.IntN(4) {
	case 0:
	case 1:
		n.Jitter = 1
	case 2:
		n.Sites, n.Far = 2, 45e6
		n.Delay, n.Jitter = 5e6, 0.1
	case 3:
		n.Delay, n.Jitter = 1e6, 0.5
	}
	n.Loss = pick(r, 0, 0, 0.01, 0.05, 0.2)
	n.Duplicates = pick(r, 0, 0, 0.05)
}

// network decides when and whether a message arrives.
type network struct {
	w   *World
	cut [][]bool  // from, to: nothing arrives
	lag [][]int64 // from, to: how many times as long as usual a message takes
}

func newNetwork(w *World) *network {
	n := &network{w: w, cut: make([][]bool, w.sc.Members), lag: make([][]int64, w.sc.Members)}
	for i := range n.cut {
		n.cut[i] = make([]bool, w.sc.Members)
		n.lag[i] = make([]int64, w.sc.Members)
	}
	return n
}

// delay draws how long a message from one member to another takes.
func (n *network) delay(from, to int) int64 {
	sc := &n.w.sc
	mean := sc.Delay
	last := sc.Members - 1
	if from%sc.Sites != to%sc.Sites || sc.Remote && (from == last) != (to == last) {
		mean = sc.Far
	}
	spread := int64(float64(mean) * sc.Jitter)
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
	deliver := func() {
		if !n.cut[from][to] {
			w.deliver(from, to, m)
		}
	}
	w.after(n.delay(from, to), deliver)
	if w.chance(w.sc.Duplicates) {
		w.after(n.delay(from, to)+n.delay(from, to), deliver)
	}
}

// deliver hands a message to whatever stands for the member.
func (w *World) deliver(from, to int, m *event.Message) {
	w.note('d', from, to, nil)
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

// scheduleWeather lets storms, partitions and cuts come.
func (w *World) scheduleWeather() {
	if w.sc.Storm {
		w.after(0, w.net.storm)
	}
	if w.sc.Episodes {
		w.after(w.between(20*w.sc.Delay, 60*w.sc.Delay), w.episode)
	}
}

// episode cuts some links for a while, then comes again.
func (w *World) episode() {
	if w.ended {
		return
	}
	if w.rng.IntN(3) == 0 {
		w.cutSome()
	} else {
		w.partition()
	}
	told := w.rng.IntN(2) == 0 // the nodes notice
	if told {
		w.tellCuts()
	}
	w.after(w.between(5*w.sc.Delay, 150*w.sc.Delay), func() { w.heal() })
	w.after(w.between(160*w.sc.Delay, 300*w.sc.Delay), w.episode)
}

// partition splits the members in two.
func (w *World) partition() {
	side := make([]bool, w.sc.Members)
	for i := range side {
		side[i] = w.rng.IntN(2) == 0
	}
	if w.rng.IntN(2) == 0 { // one alone
		for i := range side {
			side[i] = false
		}
		side[w.rng.IntN(len(side))] = true
	}
	for i := range side {
		for j := range side {
			w.net.cut[i][j] = side[i] != side[j]
		}
	}
}

// cutSome cuts single directions of links.
func (w *World) cutSome() {
	for range 1 + w.rng.IntN(w.sc.Members) {
		i, j := w.rng.IntN(w.sc.Members), w.rng.IntN(w.sc.Members)
		if i != j {
			w.net.cut[i][j] = true
		}
	}
}

// tellCuts tells the nodes of links that are cut, as a transport does after a while.
func (w *World) tellCuts() {
	w.eachHost(func(h *host) {
		for p := range w.members {
			if p != h.index && (w.net.cut[h.index][p] || w.net.cut[p][h.index]) {
				h.connect(p, false)
			}
		}
	})
}

// heal ends all cuts.
func (w *World) heal() {
	for i := range w.net.cut {
		clear(w.net.cut[i])
	}
	w.eachHost(func(h *host) {
		for p := range w.members {
			if p != h.index {
				h.connect(p, true)
			}
		}
	})
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
