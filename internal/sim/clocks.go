package sim

import "math/rand/v2"

// Clocks is what a scenario says of the nodes' clocks.
type Clocks struct {
	Skew    int64   // clocks are off by up to this, in ns
	Steps   bool    // and step back and forth
	Drift   float64 // clocks gain or lose up to this share of the time that passes
	Freezes bool    // clocks stand still now and then
	Wrong   int     // the clocks of so many members, the last ones, are an hour ahead
}

// clockKinds draw scenarios about clocks.
var clockKinds = []kind{
	{"clock steps", 1, func(s *Scenario, r *rand.Rand) {
		s.size(r)
		s.Skew, s.Steps = pick[int64](r, 100e6, 10e9, hour), true
	}},
	{"clock drift", 1, func(s *Scenario, r *rand.Rand) { s.size(r); s.Drift = pick(r, 0.0001, 0.01, 0.3) }},
	{"clock freezes", 1, func(s *Scenario, r *rand.Rand) { s.size(r); s.Freezes = true }},
	{"clock ahead", 1, func(s *Scenario, r *rand.Rand) { // up to f of them, and one more
		s.size(r)
		s.Wrong = 1 + r.IntN(faults(s.Members)+1)
	}},
}

// hour is one in ns.
const hour = 3600e9

// clock is a node's, as it differs from the world's.
type clock struct {
	skew  int64   // how far it is ahead, in ns
	drift float64 // share of the time that passes by which it is further ahead
	still int64   // what it shows all the time; 0 while it runs
}

// newClock draws the clock of a member's node.
func (w *World) newClock(index int) clock {
	c := clock{skew: w.between(-w.sc.Skew, w.sc.Skew+1)}
	if w.sc.Drift > 0 {
		c.drift = w.sc.Drift * (2*w.rng.Float64() - 1)
	}
	if index >= w.sc.Members-w.sc.Wrong {
		c.skew += hour
	}
	return c
}

// at returns what the clock shows at a virtual time.
func (c *clock) at(now int64) int64 {
	if c.still > 0 {
		return c.still
	}
	return max(1, now+c.skew+int64(c.drift*float64(now-epoch)))
}

// clock is the time as this node knows it.
func (h *host) clock() int64 { return h.dial.at(h.w.now) }

// scheduleClock lets the node's clock misbehave from now on.
func (h *host) scheduleClock() {
	if h.w.sc.Steps {
		h.w.after(h.w.between(0, 100*h.w.sc.Delay), h.stepClock)
	}
	if h.w.sc.Freezes {
		h.w.after(h.w.between(0, 300*h.w.sc.Delay), h.freezeClock)
	}
}

// stepClock sets the clock to another time, forwards or backwards.
func (h *host) stepClock() {
	if h.w.ended {
		return
	}
	h.dial.skew = h.w.between(-h.w.sc.Skew, h.w.sc.Skew+1)
	h.settle()
	h.w.after(h.w.between(20*h.w.sc.Delay, 200*h.w.sc.Delay), h.stepClock)
}

// freezeClock stops the clock for a while, and with it the node's timer. Then it goes on from where it stood, or
// shows the right time again.
func (h *host) freezeClock() {
	w := h.w
	if w.ended {
		return
	}
	since := w.now
	h.dial.still = h.clock()
	h.setTimer()
	w.after(w.between(10*w.sc.Delay, 200*w.sc.Delay), func() {
		h.dial.still = 0
		if w.chance(0.5) {
			h.dial.skew -= w.now - since
		}
		h.settle()
	})
	w.after(w.between(210*w.sc.Delay, 600*w.sc.Delay), h.freezeClock)
}
