package stealth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/quic-go/quic-go"

	"github.com/foxmq/foxmq/test/cluster"
)

// conn is a connection that has come as far as MQTT.
type conn interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
}

// way is a listener of a node. Each is used from an address of its own, so that wrong passwords on one do not slow the
// others down.
type way struct {
	name string
	dial func(n *node, from net.IP) (conn, error)
}

var ways = []way{
	{"TCP", func(n *node, from net.IP) (conn, error) { return n.tcp(from, n.MQTT) }},
	{"TLS", func(n *node, from net.IP) (conn, error) { return n.tls(from, n.MQTTS) }},
	{"Unix", func(n *node, _ net.IP) (conn, error) { return net.Dial("unix", n.UnixSocket) }},
	{"WebSocket", func(n *node, from net.IP) (conn, error) { return n.web(from, "ws://"+n.WebSockets) }},
	{"WebSocket over TLS", func(n *node, from net.IP) (conn, error) { return n.web(from, "wss://"+n.SecureWebSockets) }},
	{"QUIC", (*node).overQUIC},
}

// node is a node with all its listeners.
type node struct {
	*cluster.Node
	cluster *cluster.Cluster
	quic    *net.UDPAddr
	trust   *tls.Config
}

// start starts a node with all listeners.
func start(t *testing.T, flags ...string) *node {
	t.Helper()
	c := cluster.New(t, cluster.Config{
		Nodes: 1, Doors: true, Flags: append(flags, "--log", "json", "--quic", "--quic-addr", "127.0.0.1:0"),
	})
	n := &node{Node: c.Nodes[0], cluster: c, quic: net.UDPAddrFromAddrPort(c.ListenAddr(0, "foxmq::mqtt::quic"))}
	certificate, err := os.ReadFile(n.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	n.trust = &tls.Config{RootCAs: roots, ServerName: "localhost"}
	return n
}

func (n *node) tcp(from net.IP, to string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	return dialer.Dial("tcp", to)
}

func (n *node) tls(from net.IP, to string) (net.Conn, error) {
	inner, err := n.tcp(from, to)
	if err != nil {
		return nil, err
	}
	c := tls.Client(inner, n.trust)
	return c, c.Handshake()
}

// overQUIC opens a stream of a connection of its own.
func (n *node) overQUIC(from net.IP) (conn, error) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: from})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	defer cancel()
	trust := n.trust.Clone()
	trust.NextProtos = []string{"mqtt"}
	c, err := quic.Dial(ctx, socket, n.quic, trust, nil)
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	stream, err := c.OpenStream()
	return &quicConn{stream, c, socket}, err
}

type quicConn struct {
	*quic.Stream
	connection *quic.Conn
	socket     *net.UDPConn
}

func (c *quicConn) Close() error {
	return errors.Join(c.connection.CloseWithError(0, ""), c.socket.Close())
}

// web opens a WebSocket.
func (n *node) web(from net.IP, url string) (conn, error) {
	dialer := websocket.Dialer{
		NetDial:         func(_, addr string) (net.Conn, error) { return n.tcp(from, addr) },
		TLSClientConfig: n.trust, Subprotocols: []string{"mqtt"},
	}
	c, _, err := dialer.Dial(url+"/mqtt", nil)
	if err != nil {
		return nil, fmt.Errorf("open WebSocket: %w", err)
	}
	return &webConn{Conn: c}, nil
}

// webConn is a WebSocket as a stream of the bytes in its messages. A frame that says that it is closed has none.
type webConn struct {
	*websocket.Conn
	message io.Reader
}

func (c *webConn) Read(p []byte) (int, error) {
	for {
		if c.message == nil {
			var err error
			if _, c.message, err = c.NextReader(); err != nil {
				return 0, err
			}
		}
		n, err := c.message.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		c.message = nil
	}
}

func (c *webConn) Write(p []byte) (int, error) {
	return len(p), c.WriteMessage(websocket.BinaryMessage, p)
}

func (c *webConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
