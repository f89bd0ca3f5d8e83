package node

import (
	"testing"
	"time"
)

// TestThrottleChargesWhatIsBeyondTheShare: the first fifth of a second is free, then five seconds pass for each that is
// used, and time that passes pays for what was used. A second is worth 64 MiB that a peer asked for, or 16 that it had.
func TestThrottleChargesWhatIsBeyondTheShare(t *testing.T) {
	var throttle throttle
	second := int64(time.Second)
	now := 1000 * second
	for i, step := range []struct {
		passed, cost int64
		pause        time.Duration
	}{
		{0, wasteBurst, 0},
		{0, second / 10, time.Second / 2},
		{second / 2, 0, 0},
		{0, second / 5, time.Second},
		{3 * second, 0, 0},
		{0, wasteBurst, 0},
		{-second, 0, 0}, // a clock that steps back pays for nothing, and costs nothing
		{0, second / 5, time.Second},
	} {
		now += step.passed
		if pause := throttle.charge(now, step.cost); pause != step.pause {
			t.Errorf("step %d: %v, want %v", i, pause, step.pause)
		}
	}
	for cost, mib := range map[int64]int64{handCost: 64, againCost: 16} {
		if worth := mib << 20 * cost * wasteShare; worth < second || worth > second*101/100 {
			t.Errorf("%d MiB are worth %v", mib, time.Duration(worth))
		}
	}
}
