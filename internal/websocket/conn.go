package websocket

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// readLimit in bytes is the longest message, which is no shorter than the longest packet of MQTT.
	readLimit = 256<<20 + 5
	// closeTimeout is how long the closing of a connection may take to be written.
	closeTimeout = time.Second
)

// errNotBinary says that a client has sent what is no MQTT [MQTT-6.0.0-1].
var errNotBinary = errors.New("WebSocket message that is not binary")

// Conn is a WebSocket as a stream of bytes: those of its binary messages, however these are cut [MQTT-6.0.0-2]. Pings are
// answered by whoever reads.
type Conn struct {
	*socket
	ws *websocket.Conn

	// The reader's.
	message io.Reader // the one that is being read; nil: none
	failed  error     // what every further Read returns
	over    bool      // CloseWrite was called
}

func newConn(ws *websocket.Conn, s *socket) *Conn {
	ws.SetReadLimit(readLimit)
	return &Conn{socket: s, ws: ws}
}

// Read implements net.Conn. It returns io.EOF when the client has closed the connection, with or without a word. A text
// message ends the connection for good [MQTT-6.0.0-1].
func (c *Conn) Read(p []byte) (int, error) {
	if c.over {
		return c.socket.Read(p)
	}
	for c.failed == nil {
		n, err := c.readMessage(p)
		if n > 0 {
			return n, nil
		}
		if c.failed = plain(err); c.failed == nil && len(p) == 0 {
			return 0, nil
		}
	}
	return 0, c.failed
}

// readMessage reads from the message that is being read, or the next one. It may return nothing and no error.
func (c *Conn) readMessage(p []byte) (int, error) {
	if c.message == nil {
		kind, message, err := c.ws.NextReader()
		if err != nil {
			return 0, err
		}
		if kind != websocket.BinaryMessage {
			c.sayClose(websocket.CloseUnsupportedData)
			return 0, errNotBinary
		}
		c.message = message
	}
	n, err := c.message.Read(p)
	if err == io.EOF {
		c.message, err = nil, nil
	}
	return n, err
}

// plain makes of an error what other connections return, so that who uses one can tell.
func plain(err error) error {
	var closed *websocket.CloseError
	var network net.Error
	switch {
	case errors.As(err, &closed):
		return io.EOF
	case errors.As(err, &network) && network.Timeout():
		return os.ErrDeadlineExceeded
	}
	return err
}

// Write implements net.Conn. Each call sends one binary frame.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, plain(err)
	}
	return len(p), nil
}

// CloseWrite tells the client that nothing more comes. It must not be called while another goroutine reads or writes. What
// Read returns afterwards, until the client has closed its side, is only to be thrown away: it is no longer unpacked, since
// a deadline that has passed, which ends the reading of messages for good, may have been what led here.
func (c *Conn) CloseWrite() error {
	c.over = true
	c.sayClose(websocket.CloseNormalClosure)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// sayClose sends a close frame, unless one was sent. If it cannot be sent, the connection is broken, and ends all the same.
func (c *Conn) sayClose(code int) {
	message := websocket.FormatCloseMessage(code, "")
	_ = c.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(closeTimeout))
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetWriteDeadline implements net.Conn. It also holds for a Write that is under way.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.keepWriteDeadline(t) }

// socket is the connection below a Conn as gorilla/websocket sees it. That sets a deadline for what it writes itself, such
// as a pong, and takes it away before each frame of data; then the deadline of the Conn must be in force again.
type socket struct {
	net.Conn
	client net.Addr // the client's own address, as a trusted proxy says; nil: that of Conn

	mu       sync.Mutex
	deadline time.Time // of the Conn's writes; guarded by mu
}

// SetWriteDeadline sets the deadline of a control frame, or, if it is zero, that of the Conn again.
func (s *socket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.IsZero() {
		t = s.deadline
	}
	return s.Conn.SetWriteDeadline(t)
}

// RemoteAddr implements net.Conn.
func (s *socket) RemoteAddr() net.Addr {
	if s.client != nil {
		return s.client
	}
	return s.Conn.RemoteAddr()
}

// Forwarded tells whether RemoteAddr is what a trusted proxy has said.
func (s *socket) Forwarded() bool { return s.client != nil }

func (s *socket) keepWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return s.Conn.SetWriteDeadline(t)
}

// hijacker puts a socket below the WebSocket that is made of an HTTP connection.
type hijacker struct {
	http.ResponseWriter
	client net.Addr
	socket *socket
}

// Hijack implements http.Hijacker. Who calls it has found the handshake to be right.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if c, ok := conn.(*curtain); ok {
		c.raised.Store(true)
	}
	h.socket = &socket{Conn: conn, client: h.client}
	return h.socket, buffers, nil
}
