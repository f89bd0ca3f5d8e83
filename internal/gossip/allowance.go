package gossip

import "time"

// allowance bounds how often something is done: so many times at once, and so many times a second in the long run.
// The zero value has nothing spent.
type allowance struct {
	spent float64
	last  time.Time // when spent was last reckoned
}

// take reports whether it may be done once more now, and if so, spends it.
func (a *allowance) take(now time.Time, burst, perSecond float64) bool {
	if a.reckon(now, perSecond)+1 > burst {
		return false
	}
	a.spent++
	return true
}

// reckon returns how much is spent now.
func (a *allowance) reckon(now time.Time, perSecond float64) float64 {
	if elapsed := now.Sub(a.last).Seconds(); elapsed > 0 {
		a.spent = max(0, a.spent-elapsed*perSecond)
		a.last = now
	}
	return a.spent
}
