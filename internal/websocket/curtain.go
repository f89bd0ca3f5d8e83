package websocket

import (
	"errors"
	"net"
	"sync/atomic"
)

// curtained is a listener whose connections are behind a curtain.
type curtained struct {
	net.Listener
	silent func() bool
}

// Accept implements net.Listener.
func (l curtained) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &curtain{Conn: conn, silent: l.silent}, nil
}

// curtain is a connection on which, if it is to be silent, nothing is said before it is upgraded: whatever answer a bad
// handshake gets goes nowhere. That holds for the answers that net/http gives of its own accord, too.
type curtain struct {
	net.Conn
	silent func() bool
	raised atomic.Bool
}

// Write implements net.Conn.
func (c *curtain) Write(p []byte) (int, error) {
	if !c.raised.Load() && c.silent() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// CloseWrite ends what is sent, where the connection can.
func (c *curtain) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
