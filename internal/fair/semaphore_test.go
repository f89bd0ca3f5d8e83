package fair

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// desk is a semaphore and who has got room, in that order.
type desk struct {
	*Semaphore
	served []string
}

// come waits for room, behind all who came before.
func (d *desk) come(ctx context.Context, name string, k Key, n int64) {
	go func() {
		if d.Acquire(ctx, k, n) == nil {
			d.mu.Lock()
			d.served = append(d.served, name)
			d.mu.Unlock()
		}
	}()
	synctest.Wait()
}

// release gives room back bit by bit, and returns who has been served meanwhile.
func (d *desk) release(n int) string {
	d.served = nil
	for range n {
		d.Release(1)
		synctest.Wait()
	}
	return strings.Join(d.served, " ")
}

func TestSemaphoreServesInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk{Semaphore: NewSemaphore(1, 0)}
		if !d.TryAcquire(key(1, 1), 1) || d.TryAcquire(key(2, 1), 1) {
			t.Fatal("not so much room as there is")
		}
		ctx, cancel := context.WithCancel(t.Context())
		d.come(t.Context(), "a1", key(1, 1), 2)
		d.come(t.Context(), "a2", key(1, 1), 2)
		d.come(t.Context(), "b1", key(1, 2), 2)
		if got := d.release(3); got != "a1" {
			t.Errorf("served %s", got)
		}
		if d.TryAcquire(key(1, 3), 1) {
			t.Error("served before others of its address")
		}
		if !d.TryAcquire(key(4, 1), 1) {
			t.Error("not served before those of an address that has had more")
		}
		d.come(ctx, "c1", key(2, 1), 2)
		d.come(t.Context(), "x1", key(3, 1), 1)
		cancel()
		synctest.Wait()
		if got := d.release(6); got != "x1 b1 a2" {
			t.Errorf("served %s", got)
		}
		if d.free != 1 || d.Waiting() != 0 {
			t.Errorf("%d free, %d wait", d.free, d.Waiting())
		}
	})
}

// TestWhoGivesUpLeavesRoom lets a request end that stands in the way of another, and one in the moment in which its turn
// comes.
func TestWhoGivesUpLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk{Semaphore: NewSemaphore(2, 0)}
		d.TryAcquire(key(1, 1), 1)
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "large", key(1, 1), 2)
		d.come(t.Context(), "small", key(1, 1), 1)
		cancel()
		synctest.Wait()
		if fmt.Sprint(d.served) != "[small]" {
			t.Errorf("served %v", d.served)
		}
		if err := d.giveUp(ctx, key(1, 1), 2, nil); !errors.Is(err, context.Canceled) || d.free != 2 {
			t.Errorf("%v, %d free", err, d.free)
		}
	})
}

func TestSemaphoreUnderLoad(t *testing.T) {
	s := NewSemaphore(3, 0)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for n := range 2000 {
				want := int64(1 + (i+n)%3)
				ctx, cancel := context.WithCancel(t.Context())
				if n%5 == 0 {
					go cancel()
				}
				if s.Acquire(ctx, key(i%4, i), want) == nil {
					s.Release(want)
				}
				cancel()
			}
		})
	}
	all.Wait()
	if s.free != 3 || s.Waiting() != 0 {
		t.Errorf("%d free, %d wait", s.free, s.Waiting())
	}
}

func TestWhereNobodyWaitsNothingIsAllocated(t *testing.T) {
	s, k := NewSemaphore(3, 0), key(1, 1)
	if n := testing.AllocsPerRun(100, func() {
		if s.Acquire(t.Context(), k, 1) != nil || !s.TryAcquire(k, 1) {
			t.Fatal("no room")
		}
		s.Charge(k, 1)
		s.Release(2)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSemaphore(b *testing.B) {
	s, k := NewSemaphore(3, 0), key(1, 1)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if s.Acquire(ctx, k, 1) != nil {
			b.Fatal("no room")
		}
		s.Release(1)
	}
}

// TestNobodyWaitsForRoomThatIsThere: who is served before all others may make another one the next, who wants less.
func TestNobodyWaitsForRoomThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk{Semaphore: NewSemaphore(10, 100)}
		d.TryAcquire(key(9, 0), 10)
		for i := range 2 { // each has had something
			d.come(t.Context(), "first", key(i, 0), 1)
			d.release(1)
		}
		d.come(t.Context(), "much", key(0, 0), 5)
		d.come(t.Context(), "less", key(1, 0), 2)
		d.served = nil
		d.Release(3) // not enough for the first
		if !d.TryAcquire(key(0, 1), 1) {
			t.Fatal("a newcomer of its address is not before it")
		}
		synctest.Wait()
		if got := strings.Join(d.served, " "); got != "less" {
			t.Errorf("served %q", got)
		}
		d.Release(9)
		synctest.Wait()
	})
}
