package sim

import (
	"fmt"
	"strings"
	"time"
)

const (
	// loadTime bounds, in virtual ns, how long a run may take to decide its rounds under load.
	loadTime = 300e9
	// drainRounds is K: within so many rounds after the faults have healed everything submitted is ordered. It has
	// room for what went stale in a partition: the rounds until it is, and those of its second try.
	drainRounds = 80
	// drainTime bounds the same in virtual ns.
	drainTime = 120e9
	// safetyTime is how many virtual ns a run takes at most in which faults never heal.
	safetyTime = 60e9
	// soloRounds is K for a single transaction in an idle cluster.
	soloRounds = 10
	// idleTime is for how many virtual ns an idle cluster is watched.
	idleTime = 10e9
)

// scheduleEnd looks now and then whether the rounds wanted are decided, and ends the load and the faults.
func (w *World) scheduleEnd() {
	w.after(10*w.sc.Delay, func() {
		enough := w.check.rounds() >= w.sc.Rounds && w.now >= epoch+w.sc.Span
		switch {
		case w.sc.Safety && (enough || w.now > epoch+safetyTime):
			w.check.done = true
		case enough:
			w.ended = true
			w.heal()
			w.repair()
			w.drain(w.check.rounds()+drainRounds, w.now+drainTime)
		case w.now > epoch+loadTime+w.sc.Outage:
			w.check.fail(Liveness, "%d rounds under load: %s", w.check.rounds(), w.describe())
		default:
			w.scheduleEnd()
		}
	})
}

// drain waits until everything that correct nodes submitted has taken effect at all of them.
func (w *World) drain(round uint64, deadline int64) {
	switch {
	case w.drained():
		tries := 1
		if w.sc.liars() > 0 {
			tries = 6
		}
		w.idle(tries)
		return
	case w.check.rounds() > round || w.now > deadline:
		w.check.fail(Liveness, "not all is ordered after healing: %s", w.describe())
		return
	}
	w.after(10*w.sc.Delay, func() { w.drain(round, deadline) })
}

// drained tells whether nothing of correct nodes is left to be ordered. What a liar showed to one node alone may
// stay there until it is ancient.
func (w *World) drained() bool {
	for _, l := range w.check.logs {
		if l.host.returns {
			return false
		}
		if l.host.crashed {
			continue
		}
		if l.host.driver.Status().Unordered > 0 && w.sc.liars() == 0 {
			return false
		}
		for _, o := range w.check.logs {
			m := o.host.index
			if !o.host.crashed && (o.host.source.waiting > 0 || l.host.state.turns[m].effects != w.check.truth.turns[m].effects) {
				return false
			}
		}
	}
	return true
}

// idle checks that a cluster with nothing to do does nothing. What a liar withheld may come to light for some time
// yet and wake it.
func (w *World) idle(tries int) {
	made := w.check.made
	w.after(idleTime, func() {
		switch {
		case w.check.made == made && (w.solo || w.sc.liars() > 0):
			w.check.done = true
		case w.check.made == made:
			w.publish()
		case tries > 1:
			w.idle(tries - 1)
		default:
			w.check.fail(Idle, "%d events were made with nothing to order: %s", w.check.made-made, w.describe())
		}
	})
}

// publish submits a single transaction at one node of an idle cluster.
func (w *World) publish() {
	w.solo = true
	var running []*host
	w.eachHost(func(h *host) { running = append(running, h) })
	running[w.rng.IntN(len(running))].hand()
	w.drain(w.check.rounds()+soloRounds, w.now+drainTime)
}

// describe tells how each correct node is doing.
func (w *World) describe() string {
	var b strings.Builder
	for _, l := range w.check.logs {
		s := l.host.driver.Status()
		fmt.Fprintf(&b, "\n  node %d: crashed %v, state %d, pending %d, ancient %d, own %d, unordered %d, ",
			l.host.index, l.host.crashed, s.State, s.Pending, s.Ancient, s.Own, s.Unordered)
		fmt.Fprintf(&b, "waiting %d, missing %d, applied %d, unanswered %d, dropped %d",
			s.Waiting, s.Missing, l.host.state.round, l.host.source.waiting, s.Dropped)
	}
	fmt.Fprintf(&b, "\n  at %v", time.Duration(w.now-epoch))
	return b.String()
}
