package listener

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/foxmq/foxmq/internal/fair"
)

// turnConn is the connection below TLS. Until the handshake is over, what TLS makes of the bytes that it has read, it makes
// in turn: Read returns them when the turn has come, which lasts until the next Read
// or Write. So who stalls has no turn.
type turnConn struct {
	net.Conn
	turn atomic.Pointer[turn] // nil: the handshake is over
}

// turn is what a handshake needs to take part.
type turn struct {
	turns *fair.Semaphore
	key   fair.Key
	has   bool // the turn; of who makes the handshake alone
	late  bool // it had to be waited for; likewise

	mu       sync.Mutex
	deadline time.Time          // of reads; zero: none; guarded by mu
	giveUp   context.CancelFunc // ends the last wait for the turn; nil: there was none; set by who makes the handshake, guarded by mu
}

// errNoTurn ends a handshake whose turn has not come in time, which is not the client's fault.
var errNoTurn = errors.New("too many TLS handshakes")

// turnNumbers tell handshakes of one address apart.
var turnNumbers atomic.Uint64

func newTurnConn(conn net.Conn, turns *fair.Semaphore) *turnConn {
	c := &turnConn{Conn: conn}
	c.turn.Store(&turn{turns: turns, key: fair.Key{Address: fair.Host(address(conn)), Client: turnNumbers.Add(1)}})
	return c
}

// address returns where a connection comes from, zero if from no address.
func address(conn net.Conn) netip.Addr {
	if known, ok := conn.RemoteAddr().(interface{ AddrPort() netip.AddrPort }); ok {
		return known.AddrPort().Addr()
	}
	return netip.Addr{}
}

// Read implements net.Conn.
func (c *turnConn) Read(p []byte) (int, error) {
	t := c.turn.Load()
	if t == nil {
		return c.Conn.Read(p)
	}
	t.leave()
	n, err := c.Conn.Read(p)
	if t.late && errors.Is(err, os.ErrDeadlineExceeded) {
		err = errNoTurn // it would have been in time
	}
	if n == 0 || err != nil {
		return n, err
	}
	return n, t.enter()
}

// Write implements net.Conn. What costs much is done when TLS has something to say, and the network may take its time.
func (c *turnConn) Write(p []byte) (int, error) {
	if t := c.turn.Load(); t != nil {
		t.leave()
	}
	return c.Conn.Write(p)
}

// end is called when the handshake is over.
func (c *turnConn) end() {
	c.turn.Swap(nil).leave()
}

// SetDeadline implements net.Conn.
func (c *turnConn) SetDeadline(d time.Time) error {
	c.bound(d)
	return c.Conn.SetDeadline(d)
}

// SetReadDeadline implements net.Conn.
func (c *turnConn) SetReadDeadline(d time.Time) error {
	c.bound(d)
	return c.Conn.SetReadDeadline(d)
}

// Close implements net.Conn.
func (c *turnConn) Close() error {
	c.bound(time.Unix(0, 1))
	return c.Conn.Close()
}

func (c *turnConn) bound(d time.Time) {
	if t := c.turn.Load(); t != nil {
		t.bound(d)
	}
}

// enter waits for the turn, at most until the deadline.
func (t *turn) enter() error {
	if t.turns.TryAcquire(t.key, 1) {
		t.has = true
		return nil
	}
	t.late = true
	ctx := t.begin()
	defer t.giveUp()
	if t.turns.Acquire(ctx, t.key, 1) != nil {
		return errNoTurn
	}
	t.has = true
	return nil
}

// begin returns the context of a wait.
func (t *turn) begin() (ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deadline.IsZero() {
		ctx, t.giveUp = context.WithCancel(context.Background())
	} else {
		ctx, t.giveUp = context.WithDeadline(context.Background(), t.deadline)
	}
	return ctx
}

// bound sets the deadline. One that has passed ends a wait that is under way; any other is for the next one.
func (t *turn) bound(d time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deadline = d
	if t.giveUp != nil && !d.IsZero() && !d.After(time.Now()) {
		t.giveUp()
	}
}

// leave gives the turn back, if there is one.
func (t *turn) leave() {
	if t.has {
		t.has = false
		t.turns.Release(1)
	}
}
