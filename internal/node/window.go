package node

// leastWindow is the least that may fly, in bytes with overhead, and what may at first: some 400 small messages.
const leastWindow = 128 << 10

// A window for fewer transactions than fewFly grows to fewWindow bytes only: so of the largest, which take long one by one,
// none flies before what comes next but the one that is being handled.
const (
	fewFly    = 8
	fewWindow = 2 << 20
)

// window bounds how much of the pool flies, so that what comes next has not much before it: as much as the applier needs to
// have something to do until more comes, and no more. It grows when the applier had nothing to do though more waited, and
// else shrinks slowly, as the limits of Linux's queues of network devices do (dynamic queue limits, lib/dynamic_queue_limits.c).
type window struct {
	size  int  // of the room
	used  int  // by what flies
	shut  bool // it was full, and is not half empty yet
	tight bool // it has been full since the applier last had nothing to do, and may grow
}

// take lets something fly, as one of so many.
func (w *window) take(cost, flying int) {
	w.used += cost
	if w.used < w.size {
		return
	}
	w.shut = true
	w.tight = w.tight || flying >= fewFly || w.size < fewWindow
	w.size = max(leastWindow, w.size-w.size/128)
}

// give says that something does not fly any more.
func (w *window) give(cost int) { w.used -= cost }

// opens reports whether more may fly since something was given back.
func (w *window) opens() bool {
	if !w.shut || w.used > w.size/2 {
		return false
	}
	w.shut = false
	return true
}

// starved says that the applier has nothing to do. The window need not be larger than most.
func (w *window) starved(most int) {
	if w.tight {
		w.size = min(2*w.size, max(most, leastWindow))
		w.tight = false
	}
}
