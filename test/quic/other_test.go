package quic

import (
	"context"
	"net"
	"testing"

	other "golang.org/x/net/quic"

	"github.com/foxmq/foxmq/internal/client"
)

// otherConn is a client's connection by another implementation of QUIC than the node's.
type otherConn struct {
	net.Conn   // nil: what is not here is not called
	stream     *other.Stream
	connection *other.Conn
}

func (c *otherConn) Read(p []byte) (int, error) { return c.stream.Read(p) }

func (c *otherConn) Write(p []byte) (int, error) {
	n, err := c.stream.Write(p)
	if err == nil {
		err = c.stream.Flush()
	}
	return n, err
}

func (c *otherConn) Close() error { return c.connection.Close() }

func (c *otherConn) LocalAddr() net.Addr {
	return net.UDPAddrFromAddrPort(c.connection.LocalAddr())
}

func (c *otherConn) RemoteAddr() net.Addr {
	return net.UDPAddrFromAddrPort(c.connection.RemoteAddr())
}

// openOther connects, but for MQTT.
func (s *server) openOther(ctx context.Context, endpoint *other.Endpoint) (*otherConn, error) {
	connection, err := endpoint.Dial(ctx, "udp", s.addr.String(), &other.Config{TLSConfig: s.trust})
	if err != nil {
		return nil, err
	}
	stream, err := connection.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	return &otherConn{stream: stream, connection: connection}, nil
}

// newEndpoint returns a socket of a client's by that implementation.
func newEndpoint(t *testing.T) *other.Endpoint {
	t.Helper()
	endpoint, err := other.Listen("udp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close(context.Background()) })
	return endpoint
}

// dialOther connects a client by that implementation, until the test ends.
func (s *server) dialOther(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	conn, err := s.openOther(patience(t), newEndpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Connect(patience(t), conn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
