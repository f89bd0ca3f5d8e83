package sim

// Clocks is what a scenario says of the nodes' clocks.
type Clocks struct {
	Skew  int64 // clocks are off by up to this, in ns
	Steps bool  // and step back and forth
}

// clockKinds draw scenarios about clocks.
var clockKinds []kind

// clock is the time as this node knows it.
func (h *host) clock() int64 { return max(1, h.w.now+h.skew) }

// stepClock sets the clock to another time, forwards or backwards.
func (h *host) stepClock() {
	if h.w.ended {
		return
	}
	h.skew = h.w.between(-h.w.sc.Skew, h.w.sc.Skew+1)
	h.settle()
	h.w.after(h.w.between(20*h.w.sc.Delay, 200*h.w.sc.Delay), h.stepClock)
}
