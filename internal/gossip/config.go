package gossip

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/addressbook"
	"github.com/foxmq/foxmq/internal/event"
)

// Handler takes what comes from peers. The calls for one peer never overlap and come in the order Connected, any
// number of Message, Disconnected, and so on again; calls for different peers are concurrent.
type Handler interface {
	// Connected says that Send reaches the peer from now on.
	Connected(peer int)
	// Message hands over a message of which nothing but the shape has been checked; its events' signatures have
	// not been verified. It is the handler's to keep. While it blocks, nothing more is read from that peer, which
	// pushes back on that peer alone; it must return once the context of Run has ended. An error says that no correct
	// peer sends such a message: then the connection is closed, and the peer kept away.
	Message(peer int, m *event.Message) error
	// Disconnected says that Send no longer reaches the peer. Messages under way may be lost.
	Disconnected(peer int)
}

// Server answers what peers ask. Calls are concurrent, also for one peer, but each begins and ends between the calls of
// the handler's Connected and Disconnected for that peer.
type Server interface {
	// Serve writes the answer to a request, of which nothing has been checked. An error before anything was sent is told
	// to the peer in its words; a later one breaks the answer off. What is written waits for a chunk to be full or the
	// answer to be complete, for its turn under Config.ServeRate, and for the peer to read. The context ends when the peer
	// wants no more and with the connection; then Serve must return.
	Serve(ctx context.Context, peer int, request []byte, answer io.Writer) error
}

// Config is what a transport needs to know. Book, Self, Key and Handler must be set, and one of Listen and Conn.
type Config struct {
	Book    *addressbook.Book
	Self    int               // this node's index in the book
	Key     *ecdsa.PrivateKey // of Book.Members[Self]
	Handler Handler
	Server  Server      // nil: requests are refused
	Log     *zap.Logger // nil: silence

	Listen string         // UDP host:port for listening and dialling
	Conn   net.PacketConn // in place of a socket on Listen; Run closes it

	// QueueMessages and QueueBytes bound what waits to be written to one peer; beyond either, the whole queue is
	// dropped. Defaults 4,096 and 64 MiB.
	QueueMessages, QueueBytes int
	// MinBackoff and MaxBackoff are the first and the last step of the pauses between attempts to reach a peer. A
	// step doubles the one before, and the pause is drawn from its upper half. Defaults 50 ms and 2 s.
	MinBackoff, MaxBackoff time.Duration
	// KeepAlive is the time after which a silent connection is probed, IdleTimeout that after which a peer
	// that does not answer counts as gone. Defaults 1 s and 5 s.
	KeepAlive, IdleTimeout time.Duration
	// HandshakeTimeout bounds the TLS handshake and then again the exchange of hellos; default 3 s.
	HandshakeTimeout time.Duration
	// Penalty is how long nothing is taken from or sent to a peer that misbehaved. Each further time it is twice as long,
	// up to MaxPenalty, until the peer has behaved for as long as that. Defaults 10 s and 10 min.
	Penalty, MaxPenalty time.Duration

	// ServeRate bounds what all answers together send, in bytes per second, so that messages and the node's other work
	// do not suffer; default 64 MiB/s. StallTimeout is how long an answer waits for a peer that does not read it; default
	// 10 s.
	ServeRate    int
	StallTimeout time.Duration
}

// withDefaults returns a copy in which no limit is zero.
func (c Config) withDefaults() Config {
	setDefault(&c.QueueMessages, 4096)
	setDefault(&c.QueueBytes, 64<<20)
	setDefault(&c.MinBackoff, 50*time.Millisecond)
	setDefault(&c.MaxBackoff, 2*time.Second)
	setDefault(&c.KeepAlive, time.Second)
	setDefault(&c.IdleTimeout, 5*time.Second)
	setDefault(&c.HandshakeTimeout, 3*time.Second)
	setDefault(&c.Penalty, 10*time.Second)
	setDefault(&c.MaxPenalty, max(c.Penalty, 10*time.Minute))
	setDefault(&c.ServeRate, 64<<20)
	setDefault(&c.StallTimeout, 10*time.Second)
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports what is wrong with the configuration. Zero limits are fine: they stand for their defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Book == nil || c.Key == nil || c.Handler == nil:
		return errors.New("book, key and handler must be set")
	case c.Self < 0 || c.Self >= len(c.Book.Members):
		return fmt.Errorf("member %d is not in an address book of %d", c.Self, len(c.Book.Members))
	case !c.Book.Members[c.Self].Key.Equal(&c.Key.PublicKey):
		return fmt.Errorf("the key is not that of member %d", c.Self)
	case (c.Listen == "") == (c.Conn == nil):
		return errors.New("exactly one of listen address and connection must be set")
	case c.QueueMessages < 1 || c.QueueBytes < event.MaxMessage:
		return fmt.Errorf("a queue must hold a message of %d bytes", event.MaxMessage)
	case c.MinBackoff < 0 || c.MaxBackoff < c.MinBackoff:
		return errors.New("backoff must not be negative, nor end below its start")
	case c.KeepAlive < 0 || c.IdleTimeout < 2*c.KeepAlive:
		return errors.New("idle timeout must be at least twice the keep-alive period")
	case c.HandshakeTimeout < 0 || c.Penalty < 0 || c.MaxPenalty < c.Penalty:
		return errors.New("handshake timeout and penalty must not be negative, nor the longest penalty shorter")
	case c.ServeRate < 0 || c.StallTimeout < 0:
		return errors.New("serve rate and stall timeout must not be negative")
	}
	return nil
}
