// Package quic tests MQTT over QUIC on a real process, with a client of our own over two implementations of QUIC: no client
// that others wrote is in Debian.
package quic

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/test/cluster"
)

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Cleanup()
	os.Exit(code)
}

// server is a node that listens for QUIC.
type server struct {
	*cluster.Cluster
	addr  *net.UDPAddr
	trust *tls.Config // of the certificate that it has made for itself
}

func start(t *testing.T) *server {
	t.Helper()
	c := cluster.Start(t, 1, "--quic", "--quic-addr", "127.0.0.1:0", "--log", "json")
	certificate, err := os.ReadFile(filepath.Join(c.Dir(), "key_0.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return &server{c, net.UDPAddrFromAddrPort(c.ListenAddr(0, "foxmq::mqtt::quic")), &tls.Config{
		RootCAs: roots, ServerName: "localhost", NextProtos: []string{"mqtt"}, MinVersion: tls.VersionTLS13,
	}}
}

// newTransport returns a socket of a client's.
func newTransport(t *testing.T) *quic.Transport {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: socket}
	t.Cleanup(func() { _ = transport.Close(); socket.Close() })
	return transport
}

// open connects, but for MQTT. Several clients may share a transport.
func (s *server) open(ctx context.Context, transport *quic.Transport) (*conn, error) {
	connection, err := transport.Dial(ctx, s.addr, s.trust, nil)
	if err != nil {
		return nil, err
	}
	stream, err := connection.OpenStream()
	if err != nil {
		return nil, err
	}
	return &conn{stream, connection}, nil
}

// connect connects a client.
func (s *server) connect(ctx context.Context, transport *quic.Transport, o client.Options) (*client.Client, *conn, error) {
	c, err := s.open(ctx, transport)
	if err != nil {
		return nil, nil, err
	}
	connected, err := client.Connect(ctx, c, o)
	return connected, c, err
}

// dial connects a client from a socket of its own, until the test ends.
func (s *server) dial(t *testing.T, o client.Options) (*client.Client, *conn) {
	t.Helper()
	connected, c, err := s.connect(patience(t), newTransport(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connected.Close)
	return connected, c
}

// patience ends when a test has waited for long enough.
func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), cluster.Patience)
	t.Cleanup(cancel)
	return ctx
}
