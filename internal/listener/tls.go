package listener

import (
	"crypto/tls"
	"net"

	"github.com/foxmq/foxmq/internal/tlsutil"
)

// TLS returns a listener whose connections speak TLS over those of inner. Accept waits for nobody: a connection's
// handshake is made by whoever reads from it or writes to it first, within its deadlines. With names, a connection tells
// whom the client has proven to be.
func TLS(inner net.Listener, config *tls.Config, names bool) net.Listener {
	return &tlsListener{inner, config, names}
}

type tlsListener struct {
	net.Listener
	config *tls.Config
	names  bool
}

// Accept implements net.Listener.
func (l *tlsListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsConn{tls.Server(conn, l.config), l.names}, nil
}

type tlsConn struct {
	*tls.Conn
	names bool
}

// ClientName returns the name that the client has proven, "" if it has proven none or nobody is interested. It is asked
// when something has been read, so that the handshake is over.
func (c *tlsConn) ClientName() string {
	if !c.names {
		return ""
	}
	return tlsutil.ClientName(c.ConnectionState())
}
