package listener

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/tlsutil"
)

// handshakeCredit is how many steps of handshakes an address may make before it waits for others: those of one handshake.
const handshakeCredit = 4

// Handshakes are the TLS handshakes of a node's listeners. A handshake costs about as much as a thousand messages, so only
// a few are worked on at a time, and addresses take turns: one that begins many delays its own.
type Handshakes struct {
	turns  *fair.Semaphore
	failed atomic.Uint64
}

// NewHandshakes returns those of which so many are worked on at a time.
func NewHandshakes(atATime int) *Handshakes {
	return &Handshakes{turns: fair.NewSemaphore(int64(atATime), handshakeCredit)}
}

// HandshakeStats is what has been counted of handshakes.
type HandshakeStats struct {
	Waiting int    // handshakes now that wait for their turn
	Failed  uint64 // handshakes that came to nothing: refused, given up, or too late
}

// Stats returns the counters.
func (h *Handshakes) Stats() HandshakeStats {
	return HandshakeStats{Waiting: h.turns.Waiting(), Failed: h.failed.Load()}
}

// Listen returns a listener whose connections speak TLS over those of inner. Accept waits for nobody: a connection's
// handshake is made by whoever reads from it or writes to it first, within its read deadline. With names, a connection
// tells whom the client has proven to be.
func (h *Handshakes) Listen(inner net.Listener, config *tls.Config, names bool) net.Listener {
	return &tlsListener{inner, h, config, names}
}

type tlsListener struct {
	net.Listener
	handshakes *Handshakes
	config     *tls.Config
	names      bool
}

// Accept implements net.Listener.
func (l *tlsListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	below := newTurnConn(conn, l.handshakes.turns)
	return &tlsConn{Conn: tls.Server(below, l.config), below: below, handshakes: l.handshakes, names: l.names}, nil
}

type tlsConn struct {
	*tls.Conn
	below      *turnConn
	handshakes *Handshakes
	names      bool

	once   sync.Once // the handshake
	failed error     // how it ended; set by once
}

// Read implements net.Conn.
func (c *tlsConn) Read(p []byte) (int, error) {
	if err := c.shake(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *tlsConn) Write(p []byte) (int, error) {
	if err := c.shake(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// shake makes the handshake, or waits for whoever makes it.
func (c *tlsConn) shake() error {
	c.once.Do(func() {
		if c.failed = c.Handshake(); c.failed != nil {
			c.handshakes.failed.Add(1)
		}
		c.below.end()
	})
	return c.failed
}

// ClientName returns the name that the client has proven, "" if it has proven none or nobody is interested. It is asked
// when something has been read, so that the handshake is over.
func (c *tlsConn) ClientName() string {
	if !c.names {
		return ""
	}
	return tlsutil.ClientName(c.ConnectionState())
}
