package gossip

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// The tests in this file play somebody who has no key of the address book and reaches the port. Two nodes talk meanwhile.

// newSiege starts the two nodes, whose one connection lives from then on.
func newSiege(t *testing.T, cfg Config) []*node {
	t.Helper()
	nodes := newStar(t, 2, func(c *Config) { c.HandshakeTimeout = cfg.HandshakeTimeout })
	exchange(t, nodes[0], nodes[1], &event.Message{})
	return nodes
}

// expectTalk checks that the two go on, on the connection that they had.
func expectTalk(t *testing.T, nodes []*node) {
	t.Helper()
	exchange(t, nodes[0], nodes[1], &event.Message{})
	exchange(t, nodes[1], nodes[0], &event.Message{})
	for i, n := range nodes {
		if s := n.Peers()[0]; s.Connects != 1 || s.Malformed != 0 {
			t.Errorf("member %d: %+v", i, s)
		}
	}
}

// port returns where member 1 listens.
func port(t *testing.T, nodes []*node) *net.UDPAddr {
	t.Helper()
	addr, err := net.ResolveUDPAddr("udp", nodes[1].cfg.Book.Members[1].Addr)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestGarbageAtThePortCostsNoConnection(t *testing.T) {
	nodes := newSiege(t, Config{})
	conn, err := net.DialUDP("udp", nil, port(t, nodes))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	before := nodes[1].logs.Len()
	random := rand.New(rand.NewPCG(1, 2))
	packet := make([]byte, 1500)
	for i := range 20_000 {
		for k := 0; k < len(packet); k += 8 {
			packet[k] = byte(random.Uint32())
		}
		switch i % 3 {
		case 0: // of version 1, as if it opened a connection
			copy(packet, []byte{0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e})
		case 1: // of a version that there is not
			copy(packet, []byte{0xc0, 0xff, 0xff, 0, 1, 8})
		}
		_, _ = conn.Write(packet[:random.IntN(len(packet))]) // a full buffer is as good
	}
	expectTalk(t, nodes)
	if s := nodes[1].Stats(); s.Inbound > nodes[1].entrance.most {
		t.Errorf("%+v", s)
	}
	if lines := nodes[1].logs.Len() - before; lines > 2*noticeBurst {
		t.Errorf("logged %d lines", lines)
	}
}

func TestStrangersAreTurnedAwayAndCounted(t *testing.T) {
	nodes := newSiege(t, Config{})
	const many = 50
	for range many {
		if conn, err := intrude(t, port(t, nodes).String(), newKey(t)); err == nil {
			_ = endOf(t, conn)
		}
	}
	eventually(t, "all are counted", func() bool { return nodes[1].Stats().Strangers == many })
	eventually(t, "none is left", func() bool { return nodes[1].Stats().Inbound <= 1 })
	if lines := nodes[1].logs.FilterMessage("peer's key is not in the address book").Len(); lines > noticeBurst {
		t.Errorf("logged %d times", lines)
	}
	expectTalk(t, nodes)
}

// mutedConn is a socket that hears nothing.
type mutedConn struct {
	net.PacketConn
	closed chan struct{}
	once   sync.Once
}

func (c *mutedConn) ReadFrom([]byte) (int, net.Addr, error) {
	<-c.closed
	return 0, nil, net.ErrClosed
}

func (c *mutedConn) SetReadDeadline(time.Time) error {
	c.once.Do(func() { close(c.closed) }) // QUIC sets none but to be told of the end
	return nil
}

// TestHalfOpenHandshakesAreBounded: from half of the room on, who does not hear what this node says gets nothing: a new
// connection must first prove its address. When the attempts have run out the room is there again.
func TestHalfOpenHandshakesAreBounded(t *testing.T) {
	nodes := newSiege(t, Config{HandshakeTimeout: time.Second})
	cert, err := tlsutil.Certificate(newKey(t), "intruder")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := openSocket(t.Context(), "127.0.0.1:0", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	muted := &mutedConn{PacketConn: socket, closed: make(chan struct{})}
	transport := &quic.Transport{Conn: muted}
	defer func() { _ = transport.Close(); _ = socket.Close() }()
	config := tlsutil.Mutual(cert, protocol, func(tlsutil.Peer) error { return nil })

	ctx, cancel := context.WithCancel(t.Context())
	var dialling sync.WaitGroup
	for range 4 * nodes[1].entrance.most {
		dialling.Go(func() { _, _ = transport.Dial(ctx, port(t, nodes), config, &quic.Config{}) })
	}
	half := nodes[1].entrance.most / 2
	eventually(t, "half of the room is taken", func() bool { return nodes[1].Stats().Inbound >= half })
	expectTalk(t, nodes)
	if s := nodes[1].Stats(); s.Inbound > half+2 {
		t.Errorf("more than half is taken by who has proved nothing: %+v", s)
	}
	cancel()
	dialling.Wait()
	eventually(t, "the room is there again", func() bool { return nodes[1].Stats().Inbound <= 1 })
	expectTalk(t, nodes)
}
