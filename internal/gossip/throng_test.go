package gossip

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// The tests in this file have strangers open connections without end, while a member is to come back.

// throng has strangers shake hands with the node, from several sockets, until the function that it returns is called.
func throng(t *testing.T, n *node) (stop func()) {
	t.Helper()
	cert, err := tlsutil.Certificate(newKey(t), "intruder")
	if err != nil {
		t.Fatal(err)
	}
	config := tlsutil.Mutual(cert, protocol, func(tlsutil.Peer) error { return nil })
	remote, err := net.ResolveUDPAddr("udp", n.cfg.Book.Members[n.cfg.Self].Addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var strangers sync.WaitGroup
	for range 4 {
		socket, err := openSocket(t.Context(), "127.0.0.1:0", zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		strangers.Go(func() {
			transport := &quic.Transport{Conn: socket}
			defer func() { _ = transport.Close(); _ = socket.Close() }()
			var dialling sync.WaitGroup
			for range 8 {
				dialling.Go(func() {
					for ctx.Err() == nil {
						if conn, err := transport.Dial(ctx, remote, config, &quic.Config{}); err == nil {
							_ = conn.CloseWithError(0, "")
						}
					}
				})
			}
			dialling.Wait()
		})
	}
	return sync.OnceFunc(func() { cancel(); strangers.Wait() })
}

// spend uses up what the node grants to all together, for a good while.
func (n *node) spend() {
	n.entrance.mu.Lock()
	defer n.entrance.mu.Unlock()
	n.entrance.general.spent = allowance{spent: 1e9, last: time.Now()}
}

// again starts a member anew, at the same address.
func again(t *testing.T, old *node, members []member) *node {
	t.Helper()
	old.stop()
	self := old.cfg.Self
	return run(t, Config{Book: old.cfg.Book, Self: self, Key: members[self].key, Listen: members[self].addr})
}

// TestAMemberComesBackThroughAThrong: strangers at the ports of both, who have used up all that is granted to them. On a slow
// machine they would not get as far by themselves.
func TestAMemberComesBackThroughAThrong(t *testing.T) {
	nodes, members := newCluster(t, 2)
	exchange(t, nodes[0], nodes[1], &event.Message{})
	for _, n := range nodes {
		defer throng(t, n)()
		n.spend()
	}
	for _, n := range nodes {
		eventually(t, "strangers are turned away", func() bool { return n.Stats().TurnedAway > 100 })
	}
	nodes[1] = again(t, nodes[1], members)
	nodes[1].spend()
	exchange(t, nodes[1], nodes[0], &event.Message{})
	exchange(t, nodes[0], nodes[1], &event.Message{})
	if s := nodes[0].Stats(); s.Inbound > nodes[0].entrance.most+reservedRoom*len(nodes) {
		t.Errorf("%+v", s)
	}
}

// TestRoomIsKeptForMembers: where nothing is left for strangers a member is let in, from where the book says that it is.
func TestRoomIsKeptForMembers(t *testing.T) {
	nodes, members := newCluster(t, 2)
	exchange(t, nodes[0], nodes[1], &event.Message{})
	nodes[0].spend()
	nodes[1] = again(t, nodes[1], members)
	nodes[1].spend()
	exchange(t, nodes[1], nodes[0], &event.Message{})

	if _, err := intrude(t, members[0].addr, members[1].key); err == nil {
		t.Error("one from elsewhere is let in")
	}
	eventually(t, "both ways in are counted", func() bool {
		s, other := nodes[0].Stats(), nodes[1].Stats()
		return s.TurnedAway+other.TurnedAway > 0 && s.Reserved+other.Reserved > 0
	})
}

// TestRoomIsKeptWhereAMemberWasLast: also one whose address is not that of the book, once it has shown its key.
func TestRoomIsKeptWhereAMemberWasLast(t *testing.T) {
	nodes := newStar(t, 2, asIs)
	exchange(t, nodes[0], nodes[1], &event.Message{})
	nodes[1].spend()
	whence := nodes[0].quic.Conn.LocalAddr().String()
	nodes[0].stop()
	n := run(t, Config{Book: nodes[0].cfg.Book, Key: nodes[0].cfg.Key, Listen: whence})
	exchange(t, n, nodes[1], &event.Message{})
	if s := nodes[1].Stats(); s.Reserved == 0 {
		t.Errorf("%+v", s)
	}
}

// TestReservedRoomIsBounded: whoever sits at a member's address takes that member's room and no more.
func TestReservedRoomIsBounded(t *testing.T) {
	var e entrance
	e.open(3)
	now := time.Now()
	for range reservedRoom {
		if e.enterOwn(now, 1) == nil {
			t.Fatal("there is no room")
		}
	}
	if e.enterOwn(now, 1) != nil {
		t.Error("there is more room than there may be")
	}
	if e.enterOwn(now, 2) == nil {
		t.Error("another member's room is taken")
	}
	came := 0
	for range 2 * reservedBurst {
		if r := e.enterOwn(now, 0); r != nil {
			came++
			e.leave(r)
		}
	}
	if came != reservedBurst {
		t.Errorf("it came %d times at once", came)
	}
	if e.enterOwn(now.Add(time.Second/reservedPerSecond), 0) == nil {
		t.Error("it may never come again")
	}
}
