package broker

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
	"github.com/foxmq/foxmq/internal/session"
)

// phase is how far a client's life has come.
type phase uint8

const (
	connecting phase = iota // no CONNACK yet
	connected               // CONNACK with success is out or in control
	closing                 // what is in control still goes out, nothing else
)

// client is one connection.
type client struct {
	broker  *Broker
	conn    net.Conn
	address netip.Addr      // that it comes from, zero if from none
	number  uint64          // names the connection in commands
	ctx     context.Context // ends when closing begins
	cancel  context.CancelFunc
	// admitted is closed when the client becomes connected.
	admitted chan struct{}

	// What CONNECT said: set by the reader before the client is known to any other goroutine, then constant.
	version   mqtt.Version
	id        string
	from      fair.Key // whose turn in the stream its commands take: the client's with that id at that address
	user      string
	account   *account // its user's; nil: it is anonymous
	login     Login    // nil: the connection has proven the user
	maxPacket int      // the longest packet that the client takes; 0 is no limit
	clean     bool     // it starts clean
	expiry    uint32   // for how many seconds the session may outlive the connection, as granted
	prolongs  bool     // it asked for more than none, so DISCONNECT may, too
	mortal    bool     // its end means something: it has a will, or a session that may go on
	goodbye   *goodbye // of a mortal client
	limits    session.Limits

	connack *mqtt.Connack // with success; until admitted
	held    *held         // of a lasting session that has any; once admitted, the reader's
	lasting bool          // the session is a lasting one; constant once admitted

	announced atomic.Bool // the CONNECT has been submitted, or will be
	over      atomic.Bool // the stream has ended the connection
	screened  atomic.Bool // its subscriptions may be older than the permissions

	unapplied atomic.Int64  // publishes of the client that have been submitted or postponed and came to nothing yet
	caughtUp  chan struct{} // capacity 1: unapplied has fallen to 0

	helpers sync.WaitGroup // the goroutines beside the reader
	ended   chan struct{}  // closed when the end of the connection has been submitted, if it had to be

	mu         sync.Mutex
	change     sync.Cond                  // on mu: something that the reader may wait for has changed
	phase      phase                      // guarded by mu
	session    *session.Session[outgoing] // guarded by mu; set before connected
	unsent     uint64                     // no delivery from this number on has left, for the End of a lasting session; guarded by mu, set when closing
	control    []byte                     // packets other than PUBLISH that wait to be sent; guarded by mu
	writing    bool                       // a writer goroutine runs; guarded by mu
	leaving    int                        // bytes that the writer has taken from the queue; guarded by mu
	delayed    bool                       // a report will be made in time; guarded by mu
	lastReport int64                      // when the last one was made; guarded by mu
	backlog    backlog                    // guarded by mu

	input  input   // the reader's
	sent   aliases // the writer's
	routes routes  // the apply goroutine's
}

func newClient(b *Broker, conn net.Conn) *client {
	c := &client{broker: b, conn: conn, address: addressOf(conn), number: b.numbers.Add(1)}
	c.admitted, c.caughtUp, c.ended = make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	c.change.L = &c.mu
	c.input.reader = mqtt.NewReader(nil, 0, b.config.MaxPacketSize)
	c.input.publish.Connection = c.number
	c.input.turn = b.turns.Turn(fair.Key{Address: fair.Host(c.address), Client: c.number})
	c.initBuffer()
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// serve is the client's reader goroutine.
func (c *client) serve() {
	defer c.cancel()
	err := c.handshake()
	if err == nil {
		c.broker.counters.clients.Add(1)
		c.log("client connected")
		err = c.receive()
		c.reportOffence(c.isOffence(err))
		c.broker.counters.clients.Add(-1)
	}
	c.input.turn.End()
	c.log("client disconnected", zap.Error(err))
	c.leaveAccount()
	if c.login != nil {
		c.login.Leave()
	}
	c.end(err)
}

// log says what happens to the client. It is not worth a line unless somebody is looking for something.
func (c *client) log(message string, more ...zap.Field) {
	if entry := c.broker.config.Log.Check(zap.DebugLevel, message); entry != nil {
		entry.Write(append(more, zap.String("client_id", c.id), zap.Stringer("remote_addr", c.conn.RemoteAddr()))...)
	}
}

// connectToken marks the client's CONNECT in the stream.
func (c *client) connectToken() replica.Token { return replica.Token{Owner: c, Kind: tokenConnect} }
