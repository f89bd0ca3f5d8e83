package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/node"
	"github.com/foxmq/foxmq/internal/store"
)

// muffled is a network that loses the votes which its member sends before anybody has asked for a checkpoint.
type muffled struct {
	*network
	asked *atomic.Bool // by any member
}

// Send implements node.Transport.
func (m *muffled) Send(to int, message *event.Message) bool {
	if len(message.Votes) > 0 && !m.asked.Load() {
		return true
	}
	return m.network.Send(to, message)
}

// Request implements node.Transport. The first who asks does not wait until others have said what they think.
func (m *muffled) Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error) {
	if !m.asked.Swap(true) {
		var leave context.CancelFunc
		ctx, leave = context.WithCancel(ctx)
		leave()
	}
	return m.network.Request(ctx, peer, request)
}

// TestWipedNodeOfFew: a cluster that does nothing while one of it is gone gives it back what it has lost; also when the
// votes on that have not come to the others.
func TestWipedNodeOfFew(t *testing.T) {
	for _, c := range []struct {
		members int
		lose    bool
	}{{2, false}, {3, false}, {3, true}} {
		t.Run(fmt.Sprintf("%d nodes, votes lost %v", c.members, c.lose), func(t *testing.T) {
			t.Parallel()
			wipeOneOf(t, c.members, c.lose)
		})
	}
}

func wipeOneOf(t *testing.T, members int, lose bool) {
	d := newDurable(t, members)
	d.keep = -1
	var all []int
	asked := new(atomic.Bool)
	for i := range members {
		all = append(all, i)
	}
	wiped := members - 1
	d.boot(all...)
	d.load(0, 300, all...)
	for i := range all {
		d.awaitCheckpoint(i)
	}
	before := d.agree(0, all...)
	for i, m := range d.members {
		if err := d.halt(i); err != nil {
			t.Fatal(err)
		}
		if lose {
			m.transport = &muffled{m.net, asked}
		}
	}
	if _, err := store.SetAside(d.path(wiped), "wiped"); err != nil {
		t.Fatal(err)
	}
	d.boot(all...) // the others remember no votes but their own, and no event that led to their checkpoints
	eventually(t, "the wiped node has installed a checkpoint", func() bool { return d.members[wiped].ended() })
	if err := d.halt(wiped); !errors.Is(err, node.ErrInstalled) {
		t.Fatalf("it ended with %v", err)
	}
	d.boot(wiped)
	d.agree(before.Index, all...)
	d.load(20_000, 50, all...)
	d.agree(before.Index+50, all...)
}
