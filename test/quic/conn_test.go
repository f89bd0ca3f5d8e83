package quic

import (
	"net"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/foxmq/foxmq/test/cluster"
)

// conn is a client's QUIC connection and its one stream.
type conn struct {
	*quic.Stream
	connection *quic.Conn
}

func (c *conn) LocalAddr() net.Addr  { return c.connection.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr { return c.connection.RemoteAddr() }

// Close ends the stream, so that what was written last arrives, and waits for the server to end the connection.
func (c *conn) Close() error {
	if err := c.Stream.Close(); err != nil {
		return err
	}
	timeout := time.NewTimer(cluster.Patience)
	defer timeout.Stop()
	select {
	case <-c.connection.Context().Done():
	case <-timeout.C:
	}
	return c.connection.CloseWithError(0, "")
}
