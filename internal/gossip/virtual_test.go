package gossip

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/foxmq/foxmq/internal/event"
)

// The tests in this file run in virtual time, over a network that they own: what they say about times holds
// exactly, however busy the machine is.

// world carries packets between sockets, each after the same delay, but for those from or to who is cut off.
type world struct {
	delay     time.Duration
	bandwidth int // of each socket, of what comes to it, in bytes per second; 0: no limit

	mu      sync.Mutex
	busy    map[string]time.Time             // until when a socket is at packets that have come, guarded by mu
	sockets map[string]simnet.PacketReceiver // by address, guarded by mu
	cut     map[string]bool                  // addresses, guarded by mu
	packets int                              // carried so far, guarded by mu
}

func newWorld(delay time.Duration) *world {
	return &world{delay: delay, busy: map[string]time.Time{}, sockets: map[string]simnet.PacketReceiver{}, cut: map[string]bool{}}
}

// AddNode implements simnet.Router.
func (w *world) AddNode(addr net.Addr, r simnet.PacketReceiver) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sockets[addr.String()] = r
}

// SendPacket implements simnet.Router.
func (w *world) SendPacket(p simnet.Packet) error {
	time.AfterFunc(w.delay+w.queue(p), func() {
		if r := w.carry(p); r != nil {
			r.RecvPacket(p)
		}
	})
	return nil
}

// queue returns how long a packet stands in line behind those before it, and how long it takes to pass itself.
func (w *world) queue(p simnet.Packet) time.Duration {
	if w.bandwidth == 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now, to := time.Now(), p.To.String()
	if w.busy[to].Before(now) {
		w.busy[to] = now
	}
	w.busy[to] = w.busy[to].Add(time.Duration(len(p.Data)) * time.Second / time.Duration(w.bandwidth))
	return w.busy[to].Sub(now)
}

// carry counts a packet and returns its receiver, or nil if it is lost.
func (w *world) carry(p simnet.Packet) simnet.PacketReceiver {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut[p.From.String()] || w.cut[p.To.String()] {
		return nil
	}
	w.packets++
	return w.sockets[p.To.String()]
}

func (w *world) setCut(addr string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[addr] = cut
}

// carried returns how many packets arrived since it was last called.
func (w *world) carried() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.packets
	w.packets = 0
	return n
}

// socket opens a socket on an address.
func (w *world) socket(t *testing.T, addr string) net.PacketConn {
	t.Helper()
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := simnet.NewBlockingSimConn(udp, w)
	w.AddNode(udp, c)
	return c
}

// settlers returns the members of a cluster of n in a world.
func settlers(t *testing.T, n int) []member {
	members := make([]member, n)
	for i := range members {
		members[i] = member{newKey(t), fmt.Sprintf("10.0.0.%d:19793", i+1)}
	}
	return members
}

// start starts a member with the times of the real world.
func (w *world) start(t *testing.T, members []member, self int) *node {
	t.Helper()
	return w.startWith(t, members, self, Config{})
}

// startWith starts a member with some things configured.
func (w *world) startWith(t *testing.T, members []member, self int, cfg Config) *node {
	t.Helper()
	cfg.Book, cfg.Self, cfg.Key = newBook(members), self, members[self].key
	cfg.Conn = w.socket(t, members[self].addr)
	cfg.MinBackoff, cfg.MaxBackoff = 50*time.Millisecond, 5*time.Second
	return run(t, cfg)
}

// kill ends a node without a word to its peers.
func (w *world) kill(n *node) {
	addr := n.cfg.Book.Members[n.cfg.Self].Addr
	w.setCut(addr, true)
	n.stop()
	time.Sleep(w.delay + 1) // what it still said is lost on the way
	w.setCut(addr, false)
}

func TestUnansweringPeerIsNoticedAndFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(time.Millisecond), settlers(t, 3)
		var nodes []*node
		for i := range members {
			nodes = append(nodes, w.start(t, members, i))
		}
		nodes[0].awaitConnected(t, 2)
		nodes[1].awaitConnected(t, 2)
		time.Sleep(10 * time.Second)

		w.setCut(members[2].addr, true)
		start := time.Now()
		nodes[0].awaitDisconnected(t, 2)
		nodes[1].awaitDisconnected(t, 2)
		if gone := time.Since(start); gone > 6*time.Second {
			t.Errorf("noticed after %v", gone)
		}
		if nodes[0].Send(2, &event.Message{}) {
			t.Error("a message to nobody is said to be on its way")
		}
		time.Sleep(time.Hour)

		w.setCut(members[2].addr, false)
		start = time.Now()
		nodes[0].awaitConnected(t, 2)
		nodes[1].awaitConnected(t, 2)
		if back := time.Since(start); back > 11*time.Second {
			t.Errorf("found again after %v", back)
		}
		if got := nodes[0].Peers()[0]; got.Connects != 1 {
			t.Errorf("the connection of the others was made %d times", got.Connects)
		}
	})
}

// A killed process says no goodbye; its successor must not wait until its peers have noticed.
func TestKilledPeerIsBackAtOnce(t *testing.T) {
	for killed := range 2 {
		synctest.Test(t, func(t *testing.T) {
			w, members := newWorld(time.Millisecond), settlers(t, 2)
			nodes := []*node{w.start(t, members, 0), w.start(t, members, 1)}
			survivor := nodes[1-killed]
			survivor.awaitConnected(t, killed)
			time.Sleep(time.Minute)

			w.kill(nodes[killed])
			time.Sleep(100 * time.Millisecond)
			start := time.Now()
			again := w.start(t, members, killed)
			survivor.awaitDisconnected(t, killed)
			survivor.awaitConnected(t, killed)
			exchange(t, survivor, again, &event.Message{})
			exchange(t, again, survivor, &event.Message{})
			if back := time.Since(start); back > 300*time.Millisecond {
				t.Errorf("back after %v", back)
			}
			time.Sleep(time.Minute)
			if got := survivor.Peers()[0]; !got.Connected || got.Connects != 2 {
				t.Errorf("did not stay: %+v", got)
			}
		})
	}
}

// With 200 ms from one to the other, both dial before either has heard of the other's attempt.
func TestOfTwoCrossingConnectionsBothEndsKeepOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(200*time.Millisecond), settlers(t, 4)
		var nodes []*node
		for i := range members {
			nodes = append(nodes, w.start(t, members, i))
		}
		time.Sleep(time.Minute)
		for i, n := range nodes {
			for _, s := range n.Peers() {
				if !s.Connected || s.Connects > 2 {
					t.Errorf("of %d: %+v", i, s)
				}
			}
			if open := n.entrance.inbound(); open > 3 {
				t.Errorf("%d keeps %d incoming connections", i, open)
			}
		}
		for i, a := range nodes {
			for j, b := range nodes {
				if i != j && !a.Send(j, &event.Message{Boot: true}) {
					t.Errorf("%d does not send to %d", i, j)
				} else if i != j && !b.awaitMessage(t, i).Boot {
					t.Errorf("%d hears something else from %d", j, i)
				}
			}
		}
	})
}

func TestIdleConnectionsCarryOnlyKeepAlives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(time.Millisecond), settlers(t, 2)
		nodes := []*node{w.start(t, members, 0), w.start(t, members, 1)}
		nodes[0].awaitConnected(t, 1)
		time.Sleep(time.Minute) // until the packet size has been probed
		w.carried()
		time.Sleep(time.Minute)
		if n := w.carried(); n > 4*60 { // each side probes once a second, and each probe is acknowledged
			t.Errorf("%d packets in an idle minute", n)
		}
		if s := nodes[0].Peers()[0]; !s.Connected || s.Connects != 1 {
			t.Errorf("after two idle minutes: %+v", s)
		}
	})
}

// A peer that nobody finds is dialled less and less often, and the log stays short.
func TestMissingPeerCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(time.Millisecond), settlers(t, 2)
		n := w.start(t, members, 0)
		time.Sleep(time.Hour)
		line := n.awaitLog(t, "peer cannot be reached")
		if got := fields(line); got["peer"] != int64(1) || got["peer_addr"] != members[1].addr {
			t.Errorf("the log does not say who is missing: %v", got)
		}
		if lines := n.logs.FilterMessage("peer cannot be reached").Len(); lines > 60+noticeBurst {
			t.Errorf("logged %d times in an hour", lines)
		}
	})
}

// While a peer serves its penalty it is neither dialled nor let in; then it is.
func TestPenaltyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(time.Millisecond), settlers(t, 2)
		nodes := []*node{w.start(t, members, 0), w.start(t, members, 1)}
		nodes[0].awaitConnected(t, 1)
		time.Sleep(time.Second)
		nodes[1].babble(t, 0, frameOf([]byte{0xff}))
		nodes[0].awaitDisconnected(t, 1)
		start := time.Now()
		nodes[0].awaitConnected(t, 1)
		if away := time.Since(start); away < 9*time.Second || away > 25*time.Second {
			t.Errorf("kept away for %v", away)
		}
	})
}

// A peer that misbehaves again and again is kept away for longer and longer, until it has behaved for long.
func TestPenaltyGrowsAndIsForgotten(t *testing.T) {
	if c := (Config{}).withDefaults(); c.Penalty != 10*time.Second || c.MaxPenalty != 10*time.Minute {
		t.Errorf("by default from %v to %v", c.Penalty, c.MaxPenalty)
	}
	synctest.Test(t, func(t *testing.T) {
		w, members := newWorld(time.Millisecond), settlers(t, 2)
		cfg := Config{Penalty: 2 * time.Second, MaxPenalty: 12 * time.Second}
		nodes := []*node{w.startWith(t, members, 0, cfg), w.start(t, members, 1)}
		for _, step := range []struct{ behaves, penalty time.Duration }{
			{time.Second, 2 * time.Second},
			{time.Second, 4 * time.Second},
			{time.Second, 8 * time.Second},
			{time.Second, 12 * time.Second},
			{10 * time.Second, 12 * time.Second},
			{20 * time.Second, 2 * time.Second},
			{time.Second, 4 * time.Second},
		} {
			nodes[0].awaitConnected(t, 1)
			time.Sleep(step.behaves)
			nodes[1].babble(t, 0, frameOf([]byte{0xff}))
			nodes[0].awaitDisconnected(t, 1)
			if away := nodes[0].peers[1].shunnedFor(); away > step.penalty || away < step.penalty-time.Second {
				t.Errorf("after good conduct of %v kept away for %v, want %v", step.behaves, away, step.penalty)
			}
		}
	})
}
