package guard

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// Listen returns a listener of those connections of inner that may come in; the others are closed at once, without a
// byte. Only those count that watched says yes to; with nil all do. It belongs as far down as the client's own address is
// known: what is refused there has cost no handshake.
func (g *Guard) Listen(inner net.Listener, watched func(net.Conn) bool) net.Listener {
	if g.config.MaxConnections == 0 && g.config.BanAfter == 0 {
		return inner
	}
	return &listener{inner, g, watched}
}

type listener struct {
	net.Listener
	guard   *Guard
	watched func(net.Conn) bool
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who, ok := owner(Address(c))
		if !ok || l.watched != nil && !l.watched(c) {
			return c, nil
		}
		if l.guard.enter(who) {
			return &conn{Conn: c, leave: sync.OnceFunc(func() { l.guard.leave(who) })}, nil
		}
		c.Close()
	}
}

// enter counts a connection, if it may come in.
func (g *Guard) enter(who netip.Prefix) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch most := g.config.MaxConnections; {
	case g.bans.hold(who, g.config.Now()):
		g.stats.Refused++
		return false
	case most > 0 && g.open[who] >= most:
		g.stats.Crowded++
		return false
	}
	g.open[who]++
	return true
}

// leave takes back an enter.
func (g *Guard) leave(who netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[who]--; g.open[who] == 0 {
		delete(g.open, who)
	}
}

// Address returns where a connection comes from, zero if from no address.
func Address(c net.Conn) netip.Addr {
	known, ok := c.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return known.AddrPort().Addr().Unmap().WithZone("")
}

// conn is a connection that counts until it is closed.
type conn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite ends what is sent, where the connection can.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ClientName returns the name that the client has proven, "" if it has proven none.
func (c *conn) ClientName() string {
	if named, ok := c.Conn.(interface{ ClientName() string }); ok {
		return named.ClientName()
	}
	return ""
}
