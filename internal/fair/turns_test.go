package fair

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

const turnLength = 100

// TestTheQuietWaitForOneTurn: a hundred clients of an address, and one of another, want turn after turn, and somebody else
// comes now and then.
func TestTheQuietWaitForOneTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1, turnLength)
		quiet := turns.Turn(key(3, 1))
		var working sync.WaitGroup
		var given []string // to whom; belongs to whoever has the turn
		visits := map[int]bool{5: true, 150: true, 152: true, 300: true}
		busy := func(k Key, name string) {
			turn := turns.Turn(k)
			for range 5 {
				turn.Take()
				given = append(given, name)
				if visits[len(given)] {
					working.Go(func() {
						quiet.Take()
						given = append(given, "quiet")
						quiet.Spend(1)
						quiet.End()
					})
					synctest.Wait() // until it is in line
				}
				turn.Spend(turnLength)
				turn.End()
			}
		}
		first := turns.Turn(key(4, 1))
		first.Take()
		for i := range 100 {
			working.Go(func() { busy(key(1, i), "crowd") })
		}
		working.Go(func() { busy(key(2, 1), "loner") })
		synctest.Wait()
		first.End()
		working.Wait()
		for visit := range visits {
			if !slices.Contains(given[visit:visit+2], "quiet") {
				t.Errorf("who comes in turn %d waits: %v", visit, given[visit:visit+5])
			}
		}
		if late := slices.Index(given[20:], "loner"); late >= 0 {
			t.Errorf("the address with one client has its last turn only as number %d or later", 20+late)
		}
	})
}

// TestTurnsAreTakenAndEnded: no more than there are, with no order that anybody relies on.
func TestTurnsAreTakenAndEnded(t *testing.T) {
	turns := NewTurns(3, turnLength)
	var mu sync.Mutex
	var now, most int
	var working sync.WaitGroup
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		now += n
		most = max(most, now)
	}
	for i := range 20 {
		working.Go(func() {
			turn := turns.Turn(key(i%4, i))
			for range 2000 {
				turn.Take()
				turn.Take() // which it is
				count(1)
				turn.Spend(i)
				if turn.Due() && turn.work < turnLength {
					t.Error("due too early")
				}
				count(-1)
				turn.End()
				turn.End() // which it has
			}
		})
	}
	working.Wait()
	if most > 3 {
		t.Errorf("%d at once", most)
	}
	if free, wanted := turns.free.Load(), turns.wanted.Load(); free != 3 || wanted != 0 {
		t.Errorf("in the end %d are free and %d wait", free, wanted)
	}
}

// TestNobodyIsDueWhomNobodyWaitsFor: and what was done before somebody came is not held against anybody.
func TestNobodyIsDueWhomNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1, turnLength)
		turn := turns.Turn(key(1, 1))
		turn.Take()
		turn.Spend(10 * turnLength)
		if turn.Due() {
			t.Error("nobody waits")
		}
		other := turns.Turn(key(1, 2))
		go func() {
			other.Take()
			other.End()
		}()
		synctest.Wait()
		turn.Spend(turnLength - 1)
		if turn.Due() {
			t.Error("the turn was short")
		}
		turn.Spend(1)
		if !turn.Due() {
			t.Error("somebody waits")
		}
		turn.End()
	})
}

func BenchmarkTurn(b *testing.B) {
	turn := NewTurns(1, turnLength).Turn(key(1, 1))
	for b.Loop() {
		turn.Take()
		turn.Spend(1)
		turn.End()
	}
}
