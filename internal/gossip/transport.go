// Package gossip carries messages between the members of an address book, over one QUIC connection per pair.
//
// Both ends of a connection prove their P-256 keys with TLS 1.3; a connection belongs to the member whose key it
// proved, whatever its address. Then both say hello, with the hash of their address book, and nodes whose books
// differ refuse each other. Everybody dials everybody, so that a pair finds together though only one of the two can
// be reached; of two connections with one peer one is kept, by a rule that both ends share. docs/wire.md describes
// what goes over the wire.
//
// Beside its messages, a peer can be asked for something large: a request goes on a stream of its own, and the answer
// comes back on it, at a bounded rate, and without taking the room of messages while
// nobody reads it.
//
// Nothing is kept for a peer that is not connected, and what waits for a slow one is bounded: a lost message is for
// consensus to heal, which it does by telling the peer what it knows.
//
// # Concurrency
//
// All methods may be called concurrently. [Transport.Run] owns every goroutine: one accepts, one greets each incoming
// connection, and each peer has two: one dials, one receives and calls the [Handler]. While there is a connection, the
// latter has one more that encodes and writes, one that accepts requests, and one for each request, which calls the
// [Server]. No lock is held over I/O, encoding or a call of handler or server.
package gossip

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/event"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// protocol is the ALPN name.
const protocol = "foxmq-gossip/2"

// Transport exchanges messages with the other members of an address book.
type Transport struct {
	cfg      Config
	log      *zap.Logger
	book     [sha256.Size]byte // the address book's hash
	bookHex  string
	cert     tls.Certificate
	instance uint64
	peers    []*peer // by member; nil at Self
	strange  notice  // of keys that are not a peer's
	refused  notice  // of peers who take this node's key for such

	wg       sync.WaitGroup // every goroutine of Run
	entrance entrance

	turnedAway, reserved, strangers atomic.Uint64 // see Stats

	quic *quic.Transport // set by Run

	mu   sync.Mutex
	last *outgoing // what Send was called with last, guarded by mu

	serving chan struct{} // holds a token for each request that the server is at, but for the first of each peer
	pacer   pacer         // of all answers
}

// New returns a transport that does nothing before Run.
func New(cfg Config) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("gossip configuration: %w", err)
	}
	t := &Transport{cfg: cfg.withDefaults(), book: cfg.Book.Hash(), instance: rand.Uint64()}
	t.log = t.cfg.Log
	t.serving = make(chan struct{}, moreRequests)
	t.pacer.rate = t.cfg.ServeRate
	t.entrance.open(len(cfg.Book.Members))
	t.bookHex = hex.EncodeToString(t.book[:])
	// The certificate's name tells the book's hash even to a peer that refuses the key, for its log.
	var err error
	if t.cert, err = tlsutil.Certificate(cfg.Key, t.bookHex); err != nil {
		return nil, err
	}
	t.peers = make([]*peer, len(cfg.Book.Members))
	for i := range t.peers {
		if i != cfg.Self {
			t.peers[i] = newPeer(t, i)
		}
	}
	return t, nil
}

// Run opens the socket and exchanges messages until the context ends, which is no error. When it returns, the socket
// is closed and no call of the handler is under way or will follow. It can be called once.
func (t *Transport) Run(ctx context.Context) error {
	quietly()
	socket := t.cfg.Conn
	if socket == nil {
		var err error
		if socket, err = openSocket(ctx, t.cfg.Listen, t.log); err != nil {
			return err
		}
	}
	defer func() { _ = socket.Close() }()
	resetKey, err := t.resetKey()
	if err != nil {
		return err
	}
	t.quic = &quic.Transport{
		Conn:                socket,
		StatelessResetKey:   resetKey,
		ConnContext:         t.admit,
		VerifySourceAddress: func(net.Addr) bool { return t.entrance.crowded(time.Now()) },
	}
	listener, err := t.quic.Listen(t.serverTLS(), t.quicConfig(1+peerRequests)) // the first carries messages
	if err != nil {
		return fmt.Errorf("listen for peers: %w", err)
	}
	t.log.Info("listening for peers", zap.Stringer("listen_addr", socket.LocalAddr()),
		zap.Int("member", t.cfg.Self), zap.String("address_book", t.bookHex))

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := t.start(ctx, listener)
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	t.stop(listener)
	return err
}

// start starts the goroutines. An error on the channel it returns says that the socket no longer works.
func (t *Transport) start(ctx context.Context, listener *quic.Listener) <-chan error {
	failed := make(chan error, 1)
	t.wg.Go(func() {
		if err := t.accept(ctx, listener); ctx.Err() == nil {
			failed <- fmt.Errorf("accept peers: %w", err)
		}
	})
	for _, p := range t.peers {
		if p != nil {
			t.wg.Go(func() { p.serve(ctx) })
			t.wg.Go(func() { p.dial(ctx) })
		}
	}
	return failed
}

// stop says goodbye to the peers, breaks off what has not come to a hello, and waits for every goroutine.
func (t *Transport) stop(listener *quic.Listener) {
	for _, p := range t.peers {
		if p != nil {
			p.stop()
		}
	}
	_ = listener.Close()
	_ = t.quic.Close()
	t.wg.Wait()
}

// resetKey derives the key of stateless resets (RFC 9000 §10.3) from the node's key, so that a node that was killed
// and started again can tell its peers that their connections with it are dead.
func (t *Transport) resetKey() (*quic.StatelessResetKey, error) {
	secret, err := t.cfg.Key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("derive reset key: %w", err)
	}
	var key quic.StatelessResetKey
	derived, err := hkdf.Key(sha256.New, secret, nil, "foxmq gossip stateless reset", len(key))
	if err != nil {
		return nil, fmt.Errorf("derive reset key: %w", err)
	}
	copy(key[:], derived)
	return &key, nil
}

// Windows for what a peer may send before it is read, in bytes. They start large, for on a connection with a long
// way a push of a few events should not wait for them to grow, and end where one peer that nobody reads from does
// not hurt. A connection has room for four streams' windows: two answers that this node asked for and does not read
// leave enough for messages, and for the peer's own requests.
const (
	initialStreamWindow = 2 << 20
	maxStreamWindow     = 4 << 20
	connectionWindow    = 4 * maxStreamWindow
)

// quicConfig returns the configuration of a connection on which the other side may open that many streams.
func (t *Transport) quicConfig(streams int64) *quic.Config {
	return &quic.Config{
		Versions:                       []quic.Version{quic.Version1},
		HandshakeIdleTimeout:           t.cfg.HandshakeTimeout,
		MaxIdleTimeout:                 t.cfg.IdleTimeout,
		KeepAlivePeriod:                t.cfg.KeepAlive,
		MaxIncomingStreams:             streams,
		MaxIncomingUniStreams:          -1,
		InitialStreamReceiveWindow:     initialStreamWindow,
		InitialConnectionReceiveWindow: connectionWindow,
		MaxStreamReceiveWindow:         maxStreamWindow,
		MaxConnectionReceiveWindow:     connectionWindow,
	}
}

// Send queues a message for a peer and never blocks. The message must not be changed any more; one sent to several
// peers in a row is encoded once. It returns false if the message is lost: the peer is not connected, or its queue
// overflowed and was dropped, all of it.
func (t *Transport) Send(to int, m *event.Message) bool {
	if !t.isPeer(to) {
		return false
	}
	return t.peers[to].push(t.outgoing(m))
}

// isPeer reports whether there is such a member and it is not this node.
func (t *Transport) isPeer(member int) bool {
	return member >= 0 && member < len(t.peers) && t.peers[member] != nil
}

// outgoing returns the message's outgoing, the same for calls with the same message in a row.
func (t *Transport) outgoing(m *event.Message) *outgoing {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil || t.last.message != m {
		t.last = newOutgoing(m)
	}
	return t.last
}
