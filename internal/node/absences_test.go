package node

import "testing"

// TestAbsences: an absence counts from when it is noticed, and anew after whatever kept this node from noticing.
func TestAbsences(t *testing.T) {
	const start, timeout = 1000, 80
	type look struct {
		at     int64 // behind start
		quorum bool
		away   bool
		over   bool
	}
	for name, looks := range map[string][]look{
		"here":              {{0, true, false, false}, {30, true, false, false}, {200, true, false, false}},
		"away":              {{0, true, true, false}, {40, true, true, false}, {79, true, true, false}, {80, true, true, true}},
		"noticed late":      {{0, true, false, false}, {300, true, true, false}, {340, true, true, false}, {380, true, true, true}},
		"back":              {{0, true, true, false}, {40, true, true, false}, {80, true, false, false}, {81, true, true, false}, {121, true, true, false}, {161, true, true, true}},
		"this node hung":    {{0, true, true, false}, {40, true, true, false}, {600, true, true, false}, {640, true, true, false}, {680, true, true, true}},
		"without a quorum":  {{0, false, true, false}, {40, false, true, false}, {80, false, true, false}, {110, true, true, false}},
		"quorum in between": {{0, true, true, false}, {40, true, true, false}, {70, false, true, false}, {90, true, true, false}, {130, true, true, false}, {170, true, true, true}},
	} {
		a := absences{timeout: timeout, since: make([]int64, 4)}
		for _, l := range looks {
			now := start + l.at
			a.look(now, l.quorum, func(member int) bool { return l.away && member == 2 })
			if a.over(2, now) != l.over || a.over(1, now) {
				t.Errorf("%s: at %d over is %v, want %v", name, l.at, a.over(2, now), l.over)
			}
			if next := a.next(); (next != 0) != (l.away && l.quorum) || next != 0 && (next <= now || next-now > timeout/longestGap) {
				t.Errorf("%s: at %d the next look is at %d", name, l.at, next-start)
			}
		}
	}
}
