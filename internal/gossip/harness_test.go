package gossip

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foxmq/foxmq/internal/addressbook"
	"github.com/foxmq/foxmq/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen before it fails. No test passes by its running out.
const patience = 30 * time.Second

// call is one call of a handler.
type call struct {
	kind    string // "connected", "message" or "disconnected"
	peer    int
	message *event.Message
}

// recorder is a handler that passes every call on, message by message, and stops passing on when it is told to. A message
// that asks for the event forbidden is none that a correct peer sends.
type recorder struct {
	calls chan call
	quit  chan struct{}
}

var forbidden = event.ID{6, 6, 6}

func newRecorder() *recorder {
	return &recorder{calls: make(chan call, 1024), quit: make(chan struct{})}
}

func (r *recorder) put(c call) {
	select {
	case r.calls <- c:
	case <-r.quit:
	}
}

func (r *recorder) Connected(peer int)    { r.put(call{kind: "connected", peer: peer}) }
func (r *recorder) Disconnected(peer int) { r.put(call{kind: "disconnected", peer: peer}) }
func (r *recorder) Message(peer int, m *event.Message) error {
	if slices.Contains(m.Want, forbidden) {
		return errors.New("forbidden")
	}
	r.put(call{kind: "message", peer: peer, message: m})
	return nil
}

// node is a running transport and what is known about it.
type node struct {
	*Transport
	*recorder
	logs *observer.ObservedLogs
	stop func() // ends it and waits; may be called twice
}

// member is what a node of a test cluster is made from.
type member struct {
	key  *ecdsa.PrivateKey
	addr string
}

// newMembers makes keys, and a socket each on a free loopback port to learn an address that stays free enough.
func newMembers(tb testing.TB, n int) ([]member, []net.PacketConn) {
	tb.Helper()
	members, sockets := make([]member, n), make([]net.PacketConn, n)
	for i := range members {
		socket, err := openSocket(context.Background(), "127.0.0.1:0", zap.NewNop())
		if err != nil {
			tb.Fatal(err)
		}
		members[i] = member{newKey(tb), socket.LocalAddr().String()}
		sockets[i] = socket
	}
	return members, sockets
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func newBook(members []member) *addressbook.Book {
	book := &addressbook.Book{}
	for _, m := range members {
		book.Members = append(book.Members, addressbook.Member{Key: &m.key.PublicKey, Addr: m.addr})
	}
	return book
}

// run starts a node with short pauses and a log that the test can read. The test's end stops it.
func run(tb testing.TB, cfg Config) *node {
	tb.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	r := newRecorder()
	cfg.Log = zap.New(core)
	if cfg.Handler == nil {
		cfg.Handler = r
	}
	if cfg.MaxBackoff == 0 {
		cfg.MinBackoff, cfg.MaxBackoff = 5*time.Millisecond, 50*time.Millisecond
	}
	t, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	n := &node{Transport: t, recorder: r, logs: logs}
	n.stop = sync.OnceFunc(func() {
		close(r.quit)
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("member %d: %v", cfg.Self, err)
		}
	})
	tb.Cleanup(n.stop)
	return n
}

// newStar starts n nodes of which member 0 can dial the others but cannot be dialled. So its connections are made
// once, and no message is lost because two crossed.
func newStar(tb testing.TB, n int, change func(*Config)) []*node {
	tb.Helper()
	members, sockets := newMembers(tb, n)
	members[0].addr = deadAddr(tb)
	book := newBook(members)
	nodes := make([]*node, n)
	for i, m := range members {
		cfg := Config{Book: book, Self: i, Key: m.key, Conn: sockets[i]}
		change(&cfg)
		nodes[i] = run(tb, cfg)
	}
	return nodes
}

func asIs(*Config) {}

// deadAddr returns an address at which nobody answers.
func deadAddr(tb testing.TB) string {
	tb.Helper()
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { dead.Close() })
	return dead.LocalAddr().String()
}

// newCluster starts n nodes that share a book.
func newCluster(tb testing.TB, n int) ([]*node, []member) {
	tb.Helper()
	members, sockets := newMembers(tb, n)
	book := newBook(members)
	nodes := make([]*node, n)
	for i, m := range members {
		nodes[i] = run(tb, Config{Book: book, Self: i, Key: m.key, Conn: sockets[i]})
	}
	return nodes, members
}

// next returns the handler's next call that match wants; others before it are forgotten.
func (n *node) next(tb testing.TB, match func(call) bool) call {
	tb.Helper()
	deadline := time.After(patience)
	for {
		select {
		case c := <-n.calls:
			if match(c) {
				return c
			}
		case <-deadline:
			tb.Fatalf("member %d: not called; log: %v", n.cfg.Self, n.logs.All())
		}
	}
}

func (n *node) awaitConnected(tb testing.TB, peer int) {
	tb.Helper()
	n.next(tb, func(c call) bool { return c.kind == "connected" && c.peer == peer })
}

func (n *node) awaitDisconnected(tb testing.TB, peer int) {
	tb.Helper()
	n.next(tb, func(c call) bool { return c.kind == "disconnected" && c.peer == peer })
}

func (n *node) awaitMessage(tb testing.TB, peer int) *event.Message {
	tb.Helper()
	return n.next(tb, func(c call) bool { return c.kind == "message" && c.peer == peer }).message
}

// babble writes bytes of the test's choice to a peer, on the connection that the node has with it.
func (n *node) babble(tb testing.TB, peer int, b []byte) {
	tb.Helper()
	p := n.peers[peer]
	p.mu.Lock()
	l := p.link
	p.mu.Unlock()
	if l == nil {
		tb.Fatalf("member %d is not connected to %d", n.cfg.Self, peer)
	}
	if _, err := l.stream.Write(b); err != nil {
		tb.Fatal(err)
	}
}

// awaitLog returns the first log line with the message.
func (n *node) awaitLog(tb testing.TB, message string) observer.LoggedEntry {
	tb.Helper()
	var lines []observer.LoggedEntry
	eventually(tb, message, func() bool {
		lines = n.logs.FilterMessage(message).All()
		return len(lines) > 0
	})
	return lines[0]
}

// eventually waits until the condition holds.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("never came true: %s", what)
		}
	}
}

// exchange sends a message, again and again if it is lost with a connection, until it arrives.
func exchange(tb testing.TB, from, to *node, m *event.Message) *event.Message {
	tb.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	from.Send(to.cfg.Self, m)
	for {
		select {
		case c := <-to.calls:
			if c.kind == "message" && c.peer == from.cfg.Self {
				return c.message
			}
		case <-again.C:
			from.Send(to.cfg.Self, m)
		case <-deadline:
			tb.Fatalf("no message from %d to %d; logs: %v, %v", from.cfg.Self, to.cfg.Self, from.logs.All(), to.logs.All())
		}
	}
}

// newEvent returns an event that any node can decode under the book, with a payload of that many bytes.
func newEvent(tb testing.TB, book *addressbook.Book, payload int) *event.Event {
	tb.Helper()
	e := &event.Event{Seq: 1, BirthRound: 1, Time: 1}
	for len(e.Payload) < payload {
		e.Payload = event.AppendTransaction(e.Payload, make([]byte, min(payload, 1<<20)))
	}
	if err := e.Seal(book.Domain()); err != nil {
		tb.Fatal(err)
	}
	return e
}
