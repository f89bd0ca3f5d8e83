// Package client is a small MQTT client for our own load generator and end-to-end tests: it keeps many publishes
// under way at once, tells when each is acknowledged, and costs little. It does not reconnect.
//
// # Concurrency
//
// A Client's methods may be called from any goroutine. Callbacks run on the client's reading goroutine, one after
// the other, and must not call methods that wait (Subscribe, Publish, Flush).
package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Options say how to connect. The zero value is a clean MQTT 5 session under an id that the server assigns.
type Options struct {
	Version   mqtt.Version // 0: V5
	ClientID  string
	Username  string // with Password, if not empty
	Password  string
	KeepAlive uint16 // seconds; nothing is sent to keep the connection alive
	Will      *mqtt.Will
	// Inflight bounds the publishes at QoS 1 and 2 that wait for their acknowledgement; 0: 100. The server's
	// Receive Maximum holds too.
	Inflight int
	// OnMessage takes what arrives, each QoS 2 message once. The packet and its payload are valid until it returns.
	OnMessage func(*mqtt.Publish)
	// OnClose is told why the connection ended, if not by Close or Disconnect.
	OnClose func(error)
}

// ErrClosed is returned, and given to callbacks, for what was under way when the connection ended.
var ErrClosed = errors.New("connection closed")

// RefusedError is a server's refusal.
type RefusedError struct {
	Packet mqtt.Type
	Code   mqtt.ReasonCode
}

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("%s: refused: %s", e.Packet, e.Code) }

// Client is one connection. The fields without a word on their guard never change after Dial.
type Client struct {
	options Options
	version mqtt.Version
	conn    net.Conn
	connack *mqtt.Connack
	out     output
	ids     chan uint16   // packet ids that are free
	done    chan struct{} // closed when the connection is over
	group   sync.WaitGroup

	mu       sync.Mutex
	err      error               // why the connection is over; guarded by mu
	inflight map[uint16]*pending // guarded by mu
	waiting  int                 // publishes in inflight; guarded by mu
	idle     chan struct{}       // closed when waiting falls to 0; nil if nobody waits; guarded by mu
	received map[uint16]struct{} // QoS 2 messages delivered and not yet released; the reading goroutine's
}

// pending is a packet of ours that waits for its answer.
type pending struct {
	qos  byte // of a PUBLISH
	done func(mqtt.Packet, error)
}

// Dial connects over TCP and waits for the CONNACK, until ctx ends. A refusal is a *RefusedError.
func Dial(ctx context.Context, addr string, o Options) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return Connect(ctx, conn, o)
}

// Connect is Dial over a connection that is there already, which the client owns from now on.
func Connect(ctx context.Context, conn net.Conn, o Options) (*Client, error) {
	if o.Version == 0 {
		o.Version = mqtt.V5
	}
	if o.Inflight == 0 {
		o.Inflight = 100
	}
	c := &Client{
		options:  o,
		version:  o.Version,
		conn:     conn,
		done:     make(chan struct{}),
		inflight: map[uint16]*pending{},
		received: map[uint16]struct{}{},
	}
	c.out.init()
	r := bufio.NewReaderSize(conn, 64<<10)
	if err := c.connect(ctx, r); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to %s: %w", conn.RemoteAddr(), err)
	}
	window := min(o.Inflight, int(c.connack.ReceiveMaximum))
	c.ids = make(chan uint16, window)
	for id := range window {
		c.ids <- uint16(id + 1)
	}
	c.group.Go(func() { c.fail(c.read(r)) })
	c.group.Go(func() { c.fail(c.out.run(conn)) })
	return c, nil
}

// connect exchanges CONNECT and CONNACK.
func (c *Client) connect(ctx context.Context, r *bufio.Reader) error {
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	o := &c.options
	p := &mqtt.Connect{
		Version: c.version, CleanStart: true, KeepAlive: o.KeepAlive, ClientID: o.ClientID, Will: o.Will,
		HasUsername: o.Username != "", Username: o.Username, HasPassword: o.Username != "", Password: []byte(o.Password),
		ReceiveMaximum: 65535,
	}
	if _, err := c.conn.Write(p.Append(nil, c.version)); err != nil {
		return err
	}
	in := mqtt.NewReader(r, c.version, math.MaxInt)
	answer, err := in.Next()
	if err != nil {
		return err
	}
	connack, ok := answer.(*mqtt.Connack)
	switch {
	case !ok:
		return fmt.Errorf("%s instead of connack", answer.Type())
	case connack.Code != mqtt.Success:
		return &RefusedError{Packet: mqtt.TypeConnect, Code: connack.Code}
	}
	c.connack = connack
	return nil
}

// Connack returns the server's answer to CONNECT.
func (c *Client) Connack() *mqtt.Connack { return c.connack }

// Disconnect says good-bye, so that no will goes, and closes.
func (c *Client) Disconnect() {
	c.out.append(func(b []byte) []byte { return (&mqtt.Disconnect{}).Append(b, c.version) })
	c.out.finish()
	select {
	case <-c.out.finished:
	case <-c.done:
	}
	c.Close()
}

// Close closes the connection without a word and returns when all callbacks have.
func (c *Client) Close() {
	c.fail(ErrClosed)
	c.group.Wait()
}

// Done is closed when the connection is over.
func (c *Client) Done() <-chan struct{} { return c.done }

// fail ends the connection for a reason; the first one counts.
func (c *Client) fail(reason error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = reason
	lost := c.inflight
	c.inflight = nil
	c.signalIdle()
	c.mu.Unlock()
	close(c.done)
	c.conn.Close()
	c.out.close()
	for _, p := range lost {
		p.done(nil, ErrClosed)
	}
	if c.options.OnClose != nil && !errors.Is(reason, ErrClosed) {
		c.options.OnClose(reason)
	}
}

// signalIdle wakes Flush; mu is held.
func (c *Client) signalIdle() {
	if c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}
