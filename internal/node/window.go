package node

// Bounds on what may fly, in bytes with overhead.
const (
	leastWindow  = 16 << 10  // some 50 small messages
	firstWindow  = 128 << 10 // what may at first
	plentyWindow = 256 << 10 // beyond this an event costs hardly more than what it carries
)

// A window for fewer transactions than fewFly grows to fewWindow bytes only: so of the largest, which take long one by one,
// none flies before what comes next but the one that is being handled.
const (
	fewFly    = 8
	fewWindow = 2 << 20
)

// window bounds how much of the pool flies, so that what comes next has not much before it: as much as the applier needs to
// have something to do until more comes, and no more. It grows when the applier had nothing to do though more waited, and
// else shrinks slowly, as the limits of Linux's queues of network devices do (dynamic queue limits,
// lib/dynamic_queue_limits.c). It grows beyond plentyWindow only while what flies is among the peers or waits for a slow disk.
// Where it waits for this node to make events, it would only make longer ones, and what comes next would wait for those.
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

// idle says that the applier has nothing to do, and reports whether more may fly since then.
func (w *window) idle() bool { return w.grow(plentyWindow) }

// starved says that it has nothing to do until more of what flies comes, and reports the same. The window need not be larger
// than most.
func (w *window) starved(most int) bool { return w.shut && w.grow(most) }

func (w *window) grow(most int) bool {
	if !w.tight || w.size >= most {
		return false
	}
	w.size = min(2*w.size, most)
	w.tight = false
	return w.opens()
}
