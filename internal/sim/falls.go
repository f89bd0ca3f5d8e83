package sim

import (
	"github.com/foxmq/foxmq/internal/consensus/driver"
)

// leastAway is for how many ns a node whose disk suffers is down at least: in that time what it showed to one node
// reaches all.
const leastAway = 3e9

// outageBefore is within how many ns from the start an outage begins.
const outageBefore = 3e9

// scheduleCrashes lets nodes stop.
func (w *World) scheduleCrashes() {
	for i := range w.sc.Stopped {
		victim := w.members[w.sc.liars()+i].hosts[0]
		w.after(w.between(200*w.sc.Delay, 400*w.sc.Delay), victim.crash)
	}
	if w.sc.Blackouts {
		w.again(w.blackout)
	}
	if w.sc.Rolling {
		next := 0
		w.again(func() {
			w.check.logs[next%len(w.check.logs)].host.fall()
			next++
		})
	}
	if w.sc.Full {
		w.again(w.fill)
	}
	if w.sc.Outage > 0 {
		w.after(w.between(0, outageBefore), w.outage)
	}
}

// again does something now and then, under load.
func (w *World) again(do func()) {
	w.after(w.between(10*w.sc.Delay, 100*w.sc.Delay), func() {
		if !w.ended {
			do()
			w.again(do)
		}
	})
}

// mayFall tells whether one more node may go down.
func (w *World) mayFall() bool {
	down := 0
	for _, l := range w.check.logs {
		h := l.host
		if h.crashed {
			down++
		}
		whole := h.up() && h.driver.State() == driver.Active
		if !whole && (w.sc.forgets() || w.sc.Kept > 0) {
			return false
		}
	}
	return down < w.sc.Down
}

// fall ends the process and lets it come back after a while, with what its disk holds then.
func (h *host) fall() {
	if !h.started || h.crashed {
		return
	}
	sc := &h.w.sc
	h.crash()
	h.suffer(sc.Fate)
	away := h.w.between(sc.Away/2, sc.Away+1)
	if sc.forgets() {
		away += leastAway
	}
	h.returnAfter(away)
}

// suffer lets the disk have its fate.
func (h *host) suffer(fate Fate) {
	switch fate {
	case PowerLost:
		h.disk.stop(true)
	case Wiped:
		h.disk = h.newDisk()
	case RolledBack:
		h.disk = h.backup.copied(h.w.rng.Uint64())
	case Rotten:
		if err := h.disk.rot(h.w.rng); err != nil {
			h.w.check.fail(LogHolds, "node %d: %v", h.index, err)
		}
	}
	h.log.forgot = h.log.forgot || h.w.sc.forgets()
}

// returnAfter lets a node that has crashed start again after so many ns.
func (h *host) returnAfter(ns int64) {
	h.returns = true
	life := h.life
	h.w.after(ns, func() {
		if h.crashed && h.life == life {
			h.returns = false
			h.restart()
		}
	})
}

// blackout lets all nodes die at once, if all are up. They come back one by one.
func (w *World) blackout() {
	for _, l := range w.check.logs {
		if !l.host.up() {
			return
		}
	}
	for _, l := range w.check.logs {
		l.host.fall()
	}
}

// outage takes more nodes away than a cluster can be without.
func (w *World) outage() {
	n := len(w.check.logs)
	count := w.between(int64(faults(w.sc.Members))+1, int64(n))
	for _, i := range w.rng.Perm(n)[:count] {
		h := w.check.logs[i].host
		h.crash()
		h.returnAfter(w.sc.Outage + w.between(0, 50*w.sc.Delay))
	}
}

// fill lets a node's disk fill up and fail for a while.
func (w *World) fill() {
	for _, l := range w.check.logs {
		if l.host.disk.full {
			return
		}
	}
	h := w.check.logs[w.rng.IntN(len(w.check.logs))].host
	h.disk.full = true
	h.disk.files.SetCapacity(h.disk.files.Used() + w.between(0, 4096))
	w.after(w.between(10*w.sc.Delay, 150*w.sc.Delay), h.makeSpace)
}

// makeSpace makes the disk well again.
func (h *host) makeSpace() {
	h.disk.full = false
	h.disk.files.SetCapacity(-1)
}

// repair brings back all that is to come back.
func (w *World) repair() {
	for _, l := range w.check.logs {
		if h := l.host; h.returns {
			h.returnAfter(leastAway)
		}
		l.host.makeSpace()
	}
}

// seek looks for a checkpoint of another node if the node says that nothing else helps.
func (h *host) seek() {
	w := h.w
	if !h.correct || h.fetching || h.driver.State() != driver.Lost {
		return
	}
	h.fetching = true
	life := h.life
	w.after(w.between(2*w.sc.Delay, 20*w.sc.Delay), func() {
		if h.life != life {
			return
		}
		h.fetching = false
		if giver := w.giver(h); giver != nil && h.driver.State() == driver.Lost {
			h.adopt(giver)
		} else {
			h.seek()
		}
	})
}
