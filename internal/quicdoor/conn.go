package quicdoor

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

// How long a connection outlives its Close after CloseWrite, at least and at most, unless the client ends it before: what
// was written last may still be on its way, or have to be sent again.
const (
	leastLastWords = 250 * time.Millisecond
	mostLastWords  = 2 * time.Second
)

// maxAckDelay is how long a client may take to acknowledge a packet (RFC 9000 §18.2).
const maxAckDelay = 25 * time.Millisecond

// Conn is the stream of a QUIC connection, and ends with it.
type Conn struct {
	conn   *quic.Conn
	stream *quic.Stream
	name   string
	said   atomic.Bool // CloseWrite was called
}

// Read implements net.Conn. It returns io.EOF when the client has ended its side of the stream, or the connection.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.stream.Read(p)
	var closed *quic.ApplicationError
	if errors.As(err, &closed) && closed.Remote {
		err = io.EOF
	}
	return n, err
}

// Write implements net.Conn. It returns when the network may have p, or a small rest of it is kept to be sent.
func (c *Conn) Write(p []byte) (int, error) { return c.stream.Write(p) }

// CloseWrite tells the client that nothing more comes. It must not be called while another goroutine writes.
func (c *Conn) CloseWrite() error {
	c.said.Store(true)
	return c.stream.Close()
}

// Close implements net.Conn. It ends the connection at once, and what was written may be lost; but after CloseWrite it
// leaves the client some time to get it.
func (c *Conn) Close() error {
	if !c.said.Load() {
		return c.hangUp()
	}
	c.stream.CancelRead(codeNormal)
	if c.conn.Context().Err() == nil {
		time.AfterFunc(c.lastWords(), func() { _ = c.hangUp() })
	}
	return nil
}

// lastWords is for how long to stay after the last word. A packet that is lost is sent again after a probe time-out
// (RFC 9002 §6.2), which doubles each time: so three losses in a row do no harm.
func (c *Conn) lastWords() time.Duration {
	path := c.conn.ConnectionStats()
	probe := path.SmoothedRTT + 4*path.MeanDeviation + maxAckDelay
	return min(max(8*probe, leastLastWords), mostLastWords)
}

func (c *Conn) hangUp() error { return c.conn.CloseWithError(codeNormal, "") }

// ClientName returns the name that the client's certificate has proven, "" if none.
func (c *Conn) ClientName() string { return c.name }

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr implements net.Conn. It is where the client is now, which may change.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.stream.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.stream.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn. It also holds for a Write that is under way.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.stream.SetWriteDeadline(t) }
