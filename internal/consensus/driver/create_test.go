package driver

import "testing"

// Two breaths pass from the last but one of a node's events to the next. It does not want to be called before.
func TestNextTickWaitsForBreath(t *testing.T) {
	n := start(4, 0)
	n.load.waiting = 1
	n.Submitted(ms)
	n.answerBoot(ms, nil, 1, 2, 3)
	n.settle()
	c := &n.creator
	c.made[c.seq%madeKept], c.breath, c.interval = n.time, 20*ms, ms
	c.made[(c.seq-1)%madeKept] = n.time
	n.load.waiting = 1
	due := n.NextTick()
	if due != ms+40*ms {
		t.Fatalf("it wants to be called after %d ns", due-ms)
	}
	n.Tick(due)
	if n.settle(); len(n.made) != 2 {
		t.Errorf("it made %d events", len(n.made))
	}
}
