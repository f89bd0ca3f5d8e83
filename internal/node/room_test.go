package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/foxmq/foxmq/internal/fair"
)

// TestLargeTransactionsLeaveRoom fills the room with large transactions while another one waits: small ones find room all
// the same, and the one that waits gets it when there is some.
func TestLargeTransactionsLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const large = 1 << 20
		r := newRoom(4 * large)
		for range 3 {
			if !r.tryTake(fair.Key{}, large) {
				t.Fatal("no room for a large transaction")
			}
		}
		if r.tryTake(fair.Key{}, large) {
			t.Fatal("large transactions take all the room")
		}
		waited := make(chan error)
		go func() { waited <- r.take(t.Context(), fair.Key{}, large) }()
		synctest.Wait()
		const small = largeCost - 1
		for range large / small {
			if !r.tryTake(fair.Key{}, small) {
				t.Fatal("large transactions leave no room")
			}
		}
		r.give(large)
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}

// TestRoomOfOneTransaction lets a transaction take all the room there is, and gives back what one has taken that did not
// get all that it needed.
func TestRoomOfOneTransaction(t *testing.T) {
	const size = 1 << 20
	r := newRoom(size)
	if !r.tryTake(fair.Key{}, 1) || r.tryTake(fair.Key{}, size) {
		t.Fatal("more room than there is")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.take(ctx, fair.Key{}, size); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r.give(1)
	if !r.tryTake(fair.Key{}, size) {
		t.Error("no room where nothing is")
	}
}
