// Package sim is a simulated world: a cluster of real drivers and engines, and a network, clocks, faults and liars
// that are made up, all in one goroutine and virtual time, from one seed. The same seed gives the same run, event
// for event. At every step the world checks what docs/consensus.md promises and stops at the first promise broken.
//
// A [Scenario] says what a run is made of, in one embedded struct for each sort of fault; that struct, the kinds of
// scenarios about it and what it does stand in one file: network.go, clocks.go, pause.go, crashes.go, liars.go. A new
// fault goes beside its like. host.go is one node, life.go its life and its deaths,
// disk.go its disk and trouble.go what goes wrong with that, scheme.go what makes it a liar. check.go and oracle.go hold
// the invariants that invariant.go names, ledger.go what a disk has to hold; shrink.go and replay.go make a failure
// small and repeatable. docs/consensus-testing.md lists everything for a reader.
//
// # Concurrency
//
// A World belongs to one goroutine; different worlds share nothing.
package sim

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/rand/v2"
	"time"
)

// Result is what came of a run that broke no promise.
type Result struct {
	Rounds  uint64          // decided by the foremost node
	Events  int             // made by correct nodes
	Steps   int             // messages delivered, ticks and so on
	Elapsed time.Duration   // in virtual time
	Longest time.Duration   // under load, without a round that the foremost node decided
	Decided []int           // rounds, by how many rounds above the vote stood that decided the last candidate
	Latency []time.Duration // from a transaction's submission until a correct node has it ordered, for each such pair
	Trace   [sha256.Size]byte
}

// epoch is the virtual time at which every run begins, in ns since 1970.
const epoch = 1_700_000_000e9

// World is one simulated cluster.
type World struct {
	sc      Scenario
	rng     *rand.Rand
	habits  *rand.Rand // says when checkpoints are committed
	now     int64      // virtual time in ns since 1970
	actions actions
	counter uint64 // actions scheduled so far
	steps   int
	points  int // moments so far at which a process may die
	net     *network
	members []member
	check   *checker
	trace   hash.Hash
	ended   bool // the load and the faults are over
	watch   Watch
	cuts    []string // as watched last
	solo    bool     // the single transaction after that is submitted

	elections elections
}

// member is one entry of the address book: a correct node, the twins of a liar, or a puppet.
type member struct {
	hosts  []*host
	puppet *puppet
	life   int // how often its process has ended
}

// action is something that happens at a moment.
type action struct {
	at    int64
	order uint64 // of two at one moment, the one scheduled first comes first
	do    func()
}

// actions is a heap of what is going to happen, the next first.
type actions []action

func (a actions) Len() int { return len(a) }

func (a actions) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}

func (a actions) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *actions) Push(x any) { *a = append(*a, x.(action)) }

// Pop implements heap.Interface.
func (a *actions) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = action{}
	*a = (*a)[:last]
	return x
}

// New makes the world of a scenario.
func New(sc Scenario) *World {
	w := &World{
		sc:     sc,
		rng:    rand.New(rand.NewPCG(sc.Seed, 1)),
		habits: newHabits(sc.Seed),
		now:    epoch,
		trace:  sha256.New(),
	}
	w.elections = make(elections)
	w.net = newNetwork(w)
	w.check = newChecker(w)
	w.members = make([]member, sc.Members)
	for i := range w.members {
		w.populate(i)
	}
	return w
}

// after schedules do for the time ns from now.
func (w *World) after(ns int64, do func()) {
	w.counter++
	heap.Push(&w.actions, action{w.now + max(ns, 0), w.counter, do})
}

// Run lets the scenario happen and returns what came of it, or the promise that it broke.
func (w *World) Run() (Result, *Failure) {
	w.scheduleWeather()
	w.scheduleCrashes()
	w.schedulePauses()
	w.scheduleEnd()
	for len(w.actions) > 0 && w.check.failure == nil && !w.check.done {
		a := heap.Pop(&w.actions).(action)
		w.now = a.at
		w.steps++
		a.do()
		w.watchCuts()
		if w.steps > maxSteps {
			w.exhaust()
		}
	}
	w.secondOpinions()
	if w.check.failure != nil {
		return Result{}, w.check.failure
	}
	r := Result{
		Rounds:  w.check.rounds(),
		Events:  w.check.made,
		Steps:   w.steps,
		Elapsed: time.Duration(w.now - epoch),
		Longest: w.check.longest,
		Decided: w.elections.distances(),
		Latency: w.check.latency,
	}
	w.trace.Sum(r.Trace[:0])
	return r, nil
}

// exhaust ends a run that took too many steps.
func (w *World) exhaust() {
	if w.sc.Safety {
		w.check.done = true
		return
	}
	w.check.fail(Liveness, "the run does not end")
}

// maxSteps ends a run in which something goes round in circles.
const maxSteps = 3_000_000

// note adds to the trace.
func (w *World) note(what byte, a, b int, more []byte) {
	var buf [32]byte
	buf[0] = what
	binary.BigEndian.PutUint64(buf[1:], uint64(w.now))
	binary.BigEndian.PutUint32(buf[9:], uint32(a))
	binary.BigEndian.PutUint32(buf[13:], uint32(b))
	w.trace.Write(buf[:17])
	w.trace.Write(more)
}

// chance is true with probability p.
func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// between returns a number from lo on, below hi.
func (w *World) between(lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	return lo + w.rng.Int64N(hi-lo)
}

// faults returns f, quorum returns q of a cluster.
func faults(members int) int { return (members - 1) / 3 }
func quorum(members int) int { return members*2/3 + 1 }
