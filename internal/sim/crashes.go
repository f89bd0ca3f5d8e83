package sim

import "github.com/foxmq/foxmq/internal/sim/picture"

// Crashes is what a scenario says of nodes that stop. The members concerned are correct otherwise; together with the
// liars they are at most f, unless they come back.
type Crashes struct {
	Stopped int  // members, the first behind the liars, that stop for good
	Dead    int  // members, the last ones, that never start
	Late    bool // nodes start at different times
}

// crashKinds draw scenarios about crashes and disks.
var crashKinds []kind

// scheduleCrashes lets nodes stop.
func (w *World) scheduleCrashes() {
	for i := range w.sc.Stopped {
		victim := w.members[w.sc.liars()+i].hosts[0]
		w.after(w.between(200*w.sc.Delay, 400*w.sc.Delay), victim.crash)
	}
}

// crash stops the node for good.
func (h *host) crash() {
	h.crashed = true
	h.w.note('c', h.index, 0, nil)
	h.w.say("%s stops", picture.Name(h.index))
	h.w.eachHost(func(o *host) { o.connect(h.index, false) })
}
