package node

import (
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/event"
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

// TestQuestionsAreMeasuredWhateverElseIsSaid: what it takes the loop to answer a peer is charged, with an event beside it, too.
func TestQuestionsAreMeasuredWhateverElseIsSaid(t *testing.T) {
	now := int64(0)
	n := newTestNode(t, 4, func(cfg *Config) {
		cfg.Now = func() int64 { now += int64(time.Millisecond); return now }
	})
	l := newLoop(n, &said{})
	e := sealed(t, n, 1)
	for name, m := range map[string]*event.Message{
		"a question":        {Want: []event.ID{{1}}},
		"tips":              {Tips: []event.Tip{{Creator: 1, Seq: 1, ID: event.ID{1}}}},
		"that it has begun": {Boot: true},
		"an answer":         {Answer: true},
	} {
		m.Events = []*event.Event{e}
		asked := &n.peers[1].throttle.asked
		asked.Store(0)
		l.receive(1, mail{message: m}, 1)
		if got := asked.Load(); got < int64(time.Millisecond) {
			t.Errorf("%s costs %v", name, time.Duration(got))
		}
	}
}
