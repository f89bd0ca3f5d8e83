package driver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// outage is a cluster of four that has lost power as a whole. Each node lost another part of the end of its log, and
// they start at different times. Those that go on first use numbers of events again that a later one has still, so
// that more than f have forked.
type outage struct {
	*cluster
	rng    *rand.Rand
	judges []map[uint64][]event.ID // by node and round: what it has decided
}

// newOutage draws one.
func newOutage(seed uint64) *outage {
	o := &outage{rng: rand.New(rand.NewPCG(seed, 9)), judges: make([]map[uint64][]event.ID, 4)}
	logs := o.logs()
	o.begin()
	most := []int{40, 120, 500}[o.rng.IntN(3)]
	whole := o.rng.IntN(4)
	for i, n := range o.nodes {
		o.watch(i)
		log := logs[i]
		if i != whole {
			log = log[:len(log)-o.rng.IntN(most)]
		}
		replay(n, log)
	}
	return o
}

// watch notes what a node decides that has not started yet.
func (o *outage) watch(i int) {
	o.cut[i] = true
	o.judges[i] = make(map[uint64][]event.ID)
	o.nodes[i].told = func(r Ready) {
		for _, round := range r.Ordered {
			o.judges[i][round.Number] = round.Judges
		}
	}
}

// wipe stops a node and takes its log away.
func (o *outage) wipe(i int) {
	for p, n := range o.nodes {
		if p != i {
			n.Disconnected(i)
		}
	}
	o.nodes[i] = &node{}
	o.nodes[i].Driver = New(Config{Members: len(o.nodes), Self: i, Source: &o.nodes[i].load})
	o.watch(i)
}

// begin makes new nodes.
func (o *outage) begin() {
	o.cluster = newCluster(Config{Members: 4}, 5*ms)
	o.jitter = o.rng
}

// logs returns what the nodes have written when the power goes.
func (o *outage) logs() [][]*event.Event {
	o.begin()
	logs := make([][]*event.Event, len(o.nodes))
	for i, n := range o.nodes {
		n.told = func(r Ready) { logs[i] = append(logs[i], r.Persist...) }
		o.cut[i] = true
	}
	for i := range o.nodes {
		o.connect(i)
	}
	o.work(1e9)
	return logs
}

// work lets so many ns pass in which each node that has started always has something to order.
func (o *outage) work(ns int64) {
	for end := o.now + ns; o.now < end; {
		for i, n := range o.nodes {
			if !o.cut[i] && n.load.waiting == 0 {
				o.submit(i, 1)
			}
		}
		o.run(5 * ms)
	}
}

// pending returns the rounds that the nodes elect.
func (o *outage) pending() (rounds []uint64) {
	for _, n := range o.nodes {
		rounds = append(rounds, n.engine.Pending())
	}
	return rounds
}

// restart starts all nodes and lets them work, until all have decided ten rounds more than any had, for 15 s at most. It
// returns which nodes have.
func (o *outage) restart() (going []int) {
	apart := []int64{1, 20, 1000, 5000}[o.rng.IntN(4)] * ms
	for _, i := range o.rng.Perm(len(o.nodes)) {
		o.connect(i)
		o.work(o.rng.Int64N(apart))
	}
	goal := slices.Max(o.pending()) + 10
	for end := o.now + 15e9; o.now < end && slices.Min(o.pending()) < goal; {
		o.work(50 * ms)
	}
	for i, round := range o.pending() {
		if round >= goal {
			going = append(going, i)
		}
	}
	return going
}

// agree tells whether these nodes have decided alike what more than one of them has decided.
func (o *outage) agree(nodes []int) bool {
	known := make(map[uint64][]event.ID)
	for _, i := range nodes {
		for round, judges := range o.judges[i] {
			if other, ok := known[round]; ok && !slices.Equal(judges, other) {
				return false
			}
			known[round] = judges
		}
	}
	return true
}

// threeAgree tells whether three of these nodes do.
func (o *outage) threeAgree(nodes []int) bool {
	if len(nodes) == 3 {
		return o.agree(nodes)
	}
	return slices.ContainsFunc(nodes, func(one int) bool {
		return o.agree(slices.DeleteFunc(slices.Clone(nodes), func(i int) bool { return i == one }))
	})
}

// TestAllLoseTheEndsOfTheirLogs: at least three nodes of four go on, and decide alike. The fourth may have kept a round
// that they decided otherwise, and even go on beside them. The next vote tells it, and the daemon puts its state aside.
func TestAllLoseTheEndsOfTheirLogs(t *testing.T) {
	for _, seed := range []uint64{1, 5, 33, 59, 62, 74, 1392} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := newOutage(seed)
			going := o.restart()
			if len(going) < 3 {
				t.Fatalf("only %d go on; they elect %d", going, o.pending())
			}
			if !o.threeAgree(going) {
				t.Errorf("no three of %d have decided alike", going)
			}
		})
	}
}

// TestTwoAgainstTwo: where two nodes have kept rounds that the other two can decide no more, all go on and decide alike
// when those two have lost everything, as docs/durability.md says.
func TestTwoAgainstTwo(t *testing.T) {
	for _, seed := range []uint64{310, 2168} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := newOutage(seed)
			o.restart()
			rounds := o.pending()
			lowest := slices.Min(rounds)
			for i, round := range rounds {
				if round == lowest {
					o.wipe(i)
				}
			}
			o.work(1e9)
			for i, round := range rounds {
				if round == lowest {
					o.connect(i)
				}
			}
			o.work(5e9)
			if slices.Min(o.pending()) < slices.Max(rounds)+10 || !o.agree([]int{0, 1, 2, 3}) {
				t.Errorf("from rounds %d they came to %d; agreed: %t", rounds, o.pending(), o.agree([]int{0, 1, 2, 3}))
			}
		})
	}
}
