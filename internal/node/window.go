package node

// leastWindow is the least that may fly, in bytes with overhead, and what may at first: some 400 small messages.
const leastWindow = 128 << 10

// A window for fewer transactions than fewFly grows to fewWindow bytes only: so of the largest, which take long one by one,
// none flies before what comes next but the one that is being handled.
const (
	fewFly    = 8
	fewWindow = 2 << 20
)

// window bounds how much of the pool flies, so that what comes next has not much before it: as much as keeps the node busy
// until some of it has been applied, and no more. It grows when the applier has nothing to do though more waits, because
// what flies is among the peers or waits for a slow disk; and else shrinks slowly, as the limits of Linux's queues of network
// devices do (dynamic queue limits, lib/dynamic_queue_limits.c). A node alone that cannot make events as fast as it applies
// them would only make longer ones, and what comes next would wait for those.
type window struct {
	size  int  // of the room
	used  int  // by what flies
	shut  bool // it was full, and is not half empty yet
	tight bool // it has been full since it last grew, and may grow
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

// starved says that the applier waits for what flies, and reports whether more may fly since then. The window need not be
// larger than most.
func (w *window) starved(most int) bool {
	if !w.shut || !w.tight {
		return false
	}
	w.size = min(2*w.size, max(most, leastWindow))
	w.tight = false
	return w.opens()
}
