package users

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func address(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }

// entrance is a room without a free slot, of which it notes who comes in.
type entrance struct {
	*room
	t       *testing.T
	entered []string
	refused atomic.Int64
}

// come lets somebody of that name wait, behind all who came before.
func (e *entrance) come(ctx context.Context, name string, from netip.Addr, most int) {
	go func() {
		if err := e.enter(ctx, from, most); errors.Is(err, ErrBusy) {
			e.refused.Add(1)
			return
		}
		e.entered = append(e.entered, name)
		e.leave(from)
	}()
	synctest.Wait()
}

// open gives the room one slot, so that all come in one by one.
func (e *entrance) open() {
	e.mu.Lock()
	e.free = 1
	e.callNext()
	e.mu.Unlock()
	synctest.Wait()
	if e.free != 1 || e.inside != 0 || len(e.lines)+len(e.turns) != 0 {
		e.t.Errorf("the room is not as before: %+v", e.room)
	}
}

// at runs test at the entrance of a full room.
func at(t *testing.T, test func(e *entrance)) {
	synctest.Test(t, func(t *testing.T) { test(&entrance{room: newRoom(0), t: t}) })
}

func TestAddressesTakeTurns(t *testing.T) {
	at(t, func(e *entrance) {
		for i := range 4 {
			e.come(e.t.Context(), fmt.Sprint("a", i), address(1), 10)
		}
		e.come(e.t.Context(), "b0", address(2), 10)
		e.come(e.t.Context(), "b1", address(2), 10)
		e.come(e.t.Context(), "c0", address(3), 10)
		e.open()
		if want := []string{"a0", "b0", "c0", "a1", "b1", "a2", "a3"}; !slices.Equal(e.entered, want) {
			t.Errorf("they came in as %v, want %v", e.entered, want)
		}
	})
}

func TestWhoGivesUpIsPassedOver(t *testing.T) {
	at(t, func(e *entrance) {
		ctx, cancel := context.WithCancel(e.t.Context())
		e.come(e.t.Context(), "a0", address(1), 10)
		e.come(ctx, "a1", address(1), 10)
		e.come(ctx, "b0", address(2), 10)
		e.come(e.t.Context(), "a2", address(1), 10)
		cancel()
		synctest.Wait()
		e.open()
		if want := []string{"a0", "a2"}; !slices.Equal(e.entered, want) || e.refused.Load() != 2 {
			t.Errorf("they came in as %v, want %v; %d were refused", e.entered, want, e.refused.Load())
		}
	})
}

// Somebody who gives up in the moment in which they are called leaves the slot to the next.
func TestASlotIsNotLost(t *testing.T) {
	r := newRoom(1)
	ticket, err := r.line(address(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	r.giveUp(ticket, address(1))
	if r.free != 1 || r.inside != 0 || len(r.lines) != 0 {
		t.Errorf("the room is not as before: %+v", r)
	}
}

func TestTheRoomIsBounded(t *testing.T) {
	at(t, func(e *entrance) {
		ctx, cancel := context.WithCancel(e.t.Context())
		for i := range roomMax { // of two addresses
			if _, err := e.line(address(i%2), roomMax); err != nil {
				t.Fatal(err)
			}
		}
		if e.come(ctx, "a", address(0), roomMax); e.refused.Load() != 1 {
			t.Error("one more than there is room for was let in, from an address with as many as any")
		}
		e.come(ctx, "c", address(2), roomMax)
		if e.refused.Load() != 1 || e.inside != roomMax || e.waiting() != roomMax || e.lines[address(2)] == nil {
			t.Errorf("the longest line did not make room: %d inside, %d refused", e.inside, e.refused.Load())
		}
		cancel()
	})
}

func TestALineIsBounded(t *testing.T) {
	at(t, func(e *entrance) {
		for range 5 {
			e.come(e.t.Context(), "a", address(1), 3)
		}
		e.come(e.t.Context(), "b", address(2), 3)
		if e.refused.Load() != 2 {
			t.Errorf("%d were refused", e.refused.Load())
		}
		e.open()
	})
}
