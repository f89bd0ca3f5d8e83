package listener

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"
)

const (
	// maxHeaders bounds the connections whose header is awaited. What comes above is closed at once.
	maxHeaders = 4096
	// headerBuffer in bytes takes a header of version 1, and the beginning of what is behind a longer one.
	headerBuffer = 256
)

// ProxyConfig says whose PROXY protocol is believed.
type ProxyConfig struct {
	// Trusted are the networks of the proxies. A connection from elsewhere is closed at once; with none, everybody is
	// believed.
	Trusted []netip.Prefix
	// Timeout is how long the header may take to come.
	Timeout time.Duration
	// Refused is called with each connection that is closed for its address or its header, and why; nil is not.
	Refused func(conn net.Conn, why error)
}

// Proxied is a listener of connections that come through a proxy, which says by the PROXY protocol, version 1 or 2, whose
// each is. Without a header a connection is refused. What a proxy opens for itself keeps the proxy's address.
type Proxied struct {
	net.Listener
	config   ProxyConfig
	accepted chan accepted
	open     context.Context // ends with Close
	close    func() error

	waiting    atomic.Int64 // for a header
	refused    atomic.Uint64
	goroutines sync.WaitGroup // the one that accepts, and one for each header that is awaited
}

// ProxyStats is what a Proxied has counted.
type ProxyStats struct {
	Waiting int    // connections now whose header has not come
	Refused uint64 // connections closed for their address or their header
}

// Stats returns the counters.
func (l *Proxied) Stats() ProxyStats {
	return ProxyStats{Waiting: int(l.waiting.Load()), Refused: l.refused.Load()}
}

// accepted is what Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

// Errors that a connection is refused with.
var (
	errUntrusted = errors.New("not from a trusted proxy")
	errCrowded   = errors.New("too many connections wait for their PROXY header")
)

// Proxy returns a listener for the connections of inner, which it owns from now on.
func Proxy(inner net.Listener, config ProxyConfig) *Proxied {
	l := &Proxied{Listener: inner, config: config, accepted: make(chan accepted)}
	var end context.CancelFunc
	l.open, end = context.WithCancel(context.Background())
	l.close = sync.OnceValue(func() error {
		end()
		err := inner.Close()
		l.goroutines.Wait()
		return err
	})
	if l.config.Refused == nil {
		l.config.Refused = func(net.Conn, error) {}
	}
	l.goroutines.Go(l.run)
	return l
}

// Accept implements net.Listener. It returns connections whose header has come.
func (l *Proxied) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.open.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Proxied) Close() error { return l.close() }

// run accepts connections until the listener is closed. Errors are for who calls Accept, and for him to wait after.
func (l *Proxied) run() {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if !l.hand(accepted{err: err}) {
				return
			}
			continue
		}
		if err := l.admit(conn); err != nil {
			l.refuse(conn, err)
			continue
		}
		l.goroutines.Go(func() {
			defer l.waiting.Add(-1)
			l.serve(conn)
		})
	}
}

// admit lets a connection wait for its header.
func (l *Proxied) admit(conn net.Conn) error {
	if len(l.config.Trusted) > 0 && !within(l.config.Trusted, conn.RemoteAddr()) {
		return errUntrusted
	}
	if l.waiting.Add(1) > maxHeaders {
		l.waiting.Add(-1)
		return errCrowded
	}
	return nil
}

// serve reads the header of a connection and hands it on.
func (l *Proxied) serve(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(l.config.Timeout))
	interrupt := context.AfterFunc(l.open, func() { conn.SetReadDeadline(time.Unix(0, 1)) })
	client, err := readHeader(conn)
	if err != nil {
		interrupt()
		l.refuse(conn, err)
		return
	}
	if !interrupt() || !l.hand(accepted{conn: client}) {
		conn.Close()
	}
}

func (l *Proxied) refuse(conn net.Conn, why error) {
	l.refused.Add(1)
	l.config.Refused(conn, why)
	conn.Close()
}

// hand gives something to Accept, unless the listener is closed.
func (l *Proxied) hand(a accepted) bool {
	select {
	case l.accepted <- a:
		return true
	case <-l.open.Done():
		return false
	}
}

// readHeader returns the connection as its client's.
func readHeader(conn net.Conn) (net.Conn, error) {
	in := bufio.NewReaderSize(conn, headerBuffer)
	header, err := proxyproto.Read(in)
	if err != nil {
		return nil, fmt.Errorf("read PROXY header: %w", err)
	}
	conn.SetReadDeadline(time.Time{})
	c := &proxiedConn{Conn: conn, remote: conn.RemoteAddr()}
	if source, _, ok := header.TCPAddrs(); ok && !header.Command.IsLocal() {
		c.remote = source
	}
	if c.rest, err = in.Peek(in.Buffered()); err != nil {
		return nil, fmt.Errorf("read behind PROXY header: %w", err)
	}
	return c, nil
}

// within reports whether an address of TCP is in one of the networks.
func within(networks []netip.Prefix, addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// proxiedConn is a connection whose header has been read.
type proxiedConn struct {
	net.Conn
	remote net.Addr
	rest   []byte // what came with the header; the reader's
}

// Read implements net.Conn.
func (c *proxiedConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil // and with it the memory
	}
	return n, nil
}

// RemoteAddr implements net.Conn.
func (c *proxiedConn) RemoteAddr() net.Addr { return c.remote }

// CloseWrite ends what is sent, where the connection can.
func (c *proxiedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
