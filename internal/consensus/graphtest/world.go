package graphtest

import (
	"math/rand/v2"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// domain is that of every event made here.
var domain = event.Domain{'t', 'e', 's', 't'}

// world is the cluster in which a graph comes to be. Its time is the step: in each, one member makes an event.
type world struct {
	plan
	rng   *rand.Rand
	step  int
	nodes []*node
	// observer is a member that makes no events; order is what it inserted. Its delays are its own.
	observer *node
	order    []*event.Event
}

// node is one member and what it knows.
type node struct {
	*Intake
	creator int
	tips    [][]*event.Event // by creator, one a branch
	own     []*event.Event   // all that it made, on every branch
	inbox   []parcel
	last    int64 // its clock never runs backwards on any branch, but where it lies
	skew    int64
	frozen  bool
	slow    bool
	faulty  bool
}

// parcel is an event on its way.
type parcel struct {
	at int // the step in which it arrives
	ev *event.Event
}

func newWorld(p plan, rng *rand.Rand, open Open) *world {
	w := &world{plan: p, rng: rng}
	common := open(p.members, p.coinPeriod, p.roundsKept)
	w.observer = w.newNode(-1, common)
	for i := range p.members {
		view := View(borrowed{common})
		if !p.commonView {
			view = open(p.members, p.coinPeriod, p.roundsKept)
		}
		n := w.newNode(i, view)
		n.skew = rng.Int64N(p.skew + 1)
		n.frozen = rng.Float64() < p.frozen
		w.nodes = append(w.nodes, n)
	}
	roles := rng.Perm(p.members)
	for i, m := range roles {
		w.nodes[m].faulty = i < p.faulty
		w.nodes[m].slow = i >= p.members-p.slow
	}
	return w
}

func (w *world) newNode(creator int, view View) *node {
	return &node{Intake: NewIntake(view), creator: creator, tips: make([][]*event.Event, w.members)}
}

func (w *world) run() {
	mute := w.rng.Perm(w.members)[:w.silent]
	for w.step = range w.events {
		who := w.rng.IntN(w.members)
		if w.lockstep {
			who = w.step % w.members
		}
		if !slices.Contains(mute, who) {
			n := w.nodes[who]
			n.receive(w.step)
			w.send(n, w.create(n))
		}
		w.order = append(w.order, w.observer.receive(w.step)...)
	}
	const end = 1 << 30
	w.order = append(w.order, w.observer.receive(end)...)
}

// send puts the event on its way to everyone else; its creator has it at once.
func (w *world) send(from *node, ev *event.Event) {
	from.take(ev)
	wait := 0
	if from.slow && w.rng.IntN(4) > 0 {
		wait = w.rng.IntN(w.late + 1)
	}
	favoured := w.rng.IntN(2) // a faulty member shows a branch to one half of the others first
	for i, to := range append(w.nodes[:w.members:w.members], w.observer) {
		if to == from {
			continue
		}
		at := w.step + 1 + wait + w.rng.IntN(w.delay+1)
		if i%2 != from.creator%2 {
			at += w.far
		}
		if from.faulty && i%2 != favoured {
			at += w.rng.IntN(3 * w.members)
		}
		to.inbox = append(to.inbox, parcel{at, ev})
	}
}

// receive takes what has arrived and returns what was inserted.
func (n *node) receive(step int) (inserted []*event.Event) {
	rest := n.inbox[:0]
	for _, p := range n.inbox {
		if p.at > step {
			rest = append(rest, p)
			continue
		}
		inserted = append(inserted, n.take(p.ev)...)
	}
	n.inbox = rest
	return inserted
}

// take offers the event to the intake and notes the new tips.
func (n *node) take(ev *event.Event) []*event.Event {
	inserted, _ := n.Offer(ev)
	for _, x := range inserted {
		tips := n.tips[x.Creator]
		if sp := x.SelfParent(); sp != nil {
			tips = slices.DeleteFunc(tips, func(t *event.Event) bool { return t.ID() == sp.ID })
		}
		n.tips[x.Creator] = append(tips, x)
	}
	return inserted
}

// borrowed is a view that someone else fills.
type borrowed struct{ View }

func (borrowed) Insert(*event.Event) []consensus.Round { return nil }
