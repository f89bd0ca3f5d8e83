package sim

import "math/rand/v2"

import "github.com/foxmq/foxmq/internal/sim/picture"

// Pauses is what a scenario says of processes that stand still for a while, as under SIGSTOP or a long garbage
// collection elsewhere on the machine. One correct node after another does, for Pause ns every PauseGap ns.
type Pauses struct {
	Pause, PauseGap int64
}

// pauseKinds draw scenarios about processes that stand still.
var pauseKinds = []kind{{"pauses", 1, func(s *Scenario, r *rand.Rand) {
	s.size(r)
	s.Pause = s.Delay * pick[int64](r, 3, 30, 150)
	s.PauseGap = 2*s.Pause + 20*s.Delay
}}}

// schedulePauses lets nodes stand still.
func (w *World) schedulePauses() {
	if w.sc.Pause == 0 {
		return
	}
	w.after(w.sc.PauseGap, func() {
		if w.ended {
			return
		}
		l := w.check.logs[w.rng.IntN(len(w.check.logs))]
		l.host.pause()
		w.schedulePauses()
	})
}

// pause lets the node stand still. What arrives meanwhile waits in its sockets.
func (h *host) pause() {
	h.paused = true
	h.w.note('p', h.index, 0, nil)
	h.w.say("%s stands still", picture.Name(h.index))
	h.w.after(h.w.sc.Pause, func() {
		h.paused = false
		held := h.held
		h.held = nil
		for _, do := range held {
			do()
		}
	})
}

// whenAwake does something now, or as soon as the node no longer stands still.
func (h *host) whenAwake(do func()) {
	if h.paused {
		h.held = append(h.held, do)
		return
	}
	do()
}
