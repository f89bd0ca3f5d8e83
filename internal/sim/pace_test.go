package sim

import (
	"slices"
	"testing"
	"time"
)

// Three members near each other and one far away: what the far one submits is ordered, too, though the near ones
// could finish all the rounds that are kept before anything of it comes in.
func TestOneMemberFarAway(t *testing.T) {
	t.Parallel()
	for s := uint64(1); s <= 3; s++ {
		sc := Scenario{Seed: s, Members: 4, Span: 4e9}
		sc.Network = Network{Layout: Remote, Delay: 50e6, Jitter: 0.2}
		sc.Gap = 5e6
		if worst := slices.Max(run(t, sc).Latency); worst > 2*time.Second {
			t.Errorf("seed %d: a transaction was ordered after %v", s, worst)
		}
	}
}

// A node that stands still for longer than the rounds that are kept costs the others no order: those that it does not
// take part in are three, and when it goes on, nobody waits for it.
func TestPausesDoNotStall(t *testing.T) {
	t.Parallel()
	for s := uint64(1); s <= 4; s++ {
		sc := Scenario{Seed: s, Members: 4, Span: 2500e6}
		sc.Network = Network{Delay: 500e3, Jitter: 1}
		sc.Gap = 2e6
		sc.Pause, sc.PauseGap = 150e6, 700e6
		if r := run(t, sc); r.Longest > 20*time.Duration(sc.Delay) {
			t.Errorf("seed %d: the order paused for %v", s, r.Longest)
		}
	}
}

func run(t *testing.T, sc Scenario) Result {
	t.Helper()
	r, failure := New(sc).Run()
	if failure != nil {
		t.Fatalf("seed %d: %v", sc.Seed, failure)
	}
	return r
}
