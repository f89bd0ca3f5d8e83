package sim

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/sim/picture"
)

// point is a moment, between any two things that a process does for good, at which it may die. It tells whether it
// did.
func (h *host) point() bool {
	if !h.dies() {
		return false
	}
	h.fall()
	return true
}

// dies tells whether the process dies at this moment.
func (h *host) dies() bool {
	w := h.w
	if !h.correct || w.ended {
		return false
	}
	w.points++
	return w.points == w.sc.KillAt || w.sc.Kill > 0 && w.chance(w.sc.Kill) && w.mayFall()
}

// write puts what the driver has taken in into the log, before anything else comes of it. It fails if the process
// dies meanwhile or the disk does not take it; then the node does nothing any more until it does.
func (h *host) write(events []*event.Event) bool {
	if !h.correct {
		return true
	}
	if len(events) > 0 {
		own := func(e *event.Event) bool { return e.Creator == h.index && h.driver.Started() }
		err := h.disk.append(events, slices.ContainsFunc(events, own))
		if h.cut() {
			return false
		}
		if h.stuck = err != nil; h.stuck {
			h.retryLater()
			return false
		}
		h.flushLater()
	}
	return !h.point()
}

// take applies what is decided, at once or, where applying is slower than deciding, later.
func (h *host) take(r *driver.Ready) {
	if !h.correct {
		return
	}
	idle := len(h.backlog) == 0
	h.backlog = append(h.backlog, r.Ordered...)
	for _, s := range r.Snapshots {
		h.snapshots[s.Round] = &s
	}
	if h.w.sc.Apply == 0 {
		for len(h.backlog) > 0 {
			h.apply()
		}
	} else if idle {
		h.applyLater()
	}
	if len(r.Stale) > 0 {
		h.source.back(h.state.turns[h.index])
	}
}

// applyLater applies one round after another, each of which takes its time.
func (h *host) applyLater() {
	if len(h.backlog) == 0 {
		return
	}
	life := h.life
	h.w.after(h.w.between(0, h.w.sc.Apply), func() {
		if h.life == life {
			h.apply()
			h.applyLater()
		}
	})
}

// apply applies the next decided round.
func (h *host) apply() {
	r := &h.backlog[0]
	h.backlog = h.backlog[1:]
	if r.Number != h.state.round+1 {
		h.w.check.fail(StateFollowsLog, "node %d applies round %d after %d", h.index, r.Number, h.state.round)
	}
	h.state.apply(r, func(tx transaction) {
		if tx.node == h.index {
			h.source.answer(tx)
		}
		h.w.check.effect(h, tx)
	})
	h.w.check.applied(h)
	h.vote(r.Number)
}

// crash ends the process.
func (h *host) crash() {
	h.crashed, h.returns = true, false // unless somebody says when
	h.stuck, h.flushing, h.paused, h.fetching, h.held = false, false, false, false, nil
	if len(h.disk.held) > 0 {
		h.log.forgot = true
	}
	h.disk.stop(false)
	h.replaying, h.taking = false, nil
	h.life++
	h.w.members[h.index].life++
	h.timer++
	h.w.check.unlearn()
	h.w.note('c', h.index, 0, nil)
	h.w.say("%s stops", picture.Name(h.index))
	h.w.eachHost(func(o *host) { o.connect(h.index, false) })
}

// restart starts a new process on what the disk holds.
func (h *host) restart() {
	h.crashed = false
	h.w.note('r', h.index, 0, nil)
	h.w.say("%s starts again", picture.Name(h.index))
	clear(h.connected)
	f, ok := h.openDisk()
	if !ok {
		return
	}
	h.state, h.backlog = h.disk.state.clone(), nil
	clear(h.snapshots)
	h.w.check.rejoin(h, &f)
	h.source.again()
	if h.replay(&f); h.crashed {
		return
	}
	for p := range h.w.members {
		if p != h.index {
			h.connect(p, true)
		}
	}
	h.w.eachHost(func(o *host) { o.connect(h.index, true) })
	h.settle()
}

// replay makes a driver of what the disk holds, reading the log in pieces.
func (h *host) replay(f *found) {
	h.driver = driver.New(h.config())
	if h.disk.round > 0 {
		d, err := driver.Restore(h.config(), *h.disk.snapshot(), h.clock())
		if err != nil {
			h.w.check.fail(RestoredAlike, "node %d: %v", h.index, err)
			return
		}
		h.driver = d
	}
	life := h.life
	h.replaying = true
	for piece := range slices.Chunk(f.tail, 64) {
		h.driver.Replay(piece, h.clock())
		if h.settle(); h.life != life {
			return
		}
	}
	h.replaying = false
	for piece := range slices.Chunk(f.older, 64) {
		h.driver.Recollect(piece)
	}
}
