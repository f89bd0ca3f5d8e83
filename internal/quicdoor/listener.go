package quicdoor

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

// Listener is a net.Listener of QUIC connections.
type Listener struct {
	config   Config
	socket   net.PacketConn
	accepted chan *Conn
	quit     context.Context // ends with Close
	stop     context.CancelFunc
	begun    chan struct{} // closed when inner is set
	inner    acceptor      // constant from then on

	mu      sync.Mutex
	running bool // Run was called, and closes the socket; guarded by mu

	waiting         atomic.Int64 // connections whose stream is not there yet
	acceptors       atomic.Int64 // goroutines that wait for a connection, beside that of Run
	refused         atomic.Uint64
	refusedStreams  atomic.Uint64
	connectionGroup sync.WaitGroup // the goroutines of connections, also of those that are yet to come
}

// Stats is what a Listener counts since its beginning.
type Stats struct {
	Waiting        int    `json:"waiting"`         // connections now whose stream is not there yet
	Refused        uint64 `json:"refused"`         // packets that wanted to begin a connection and found no room
	RefusedStreams uint64 `json:"refused_streams"` // streams refused since the connection had one
}

// quietly keeps quic-go from printing to standard error that the kernel grants smaller buffers than it would like; the
// environment is the only way to tell it.
var quietly = sync.OnceFunc(func() { _ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") })

// Listen opens a UDP socket at addr, host:port. Nobody is answered before Run.
func Listen(addr string, config Config) (*Listener, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{config: config, socket: socket, accepted: make(chan *Conn), begun: make(chan struct{})}
	l.quit, l.stop = context.WithCancel(context.Background())
	return l, nil
}

// Run accepts connections until Close is called or ctx ends, which is no error, or the socket fails. After Close it waits
// for the connections that there are, and when ctx ends it leaves them a moment for their last words and ends them. It is
// called once and closes the listener.
func (l *Listener) Run(ctx context.Context) error {
	if !l.begin() {
		return nil
	}
	quietly()
	defer l.socket.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	transport := l.transport()
	inner, err := transport.Listen(serverTLS(l.config.TLS), l.config.quic())
	if err == nil {
		err = l.accept(inner)
	}
	asked := l.quit.Err() != nil
	_ = l.Close()
	l.awaitConnections(ctx)
	_ = transport.Close()
	l.connectionGroup.Wait()
	if asked {
		return nil
	}
	return fmt.Errorf("listen for QUIC on %s: %w", l.Addr(), err)
}

// begin reports whether the listener has not been closed before it ran.
func (l *Listener) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = l.quit.Err() == nil
	return l.running
}

// transport returns what sends and receives on the socket.
func (l *Listener) transport() *quic.Transport {
	return &quic.Transport{
		Conn:                l.socket,
		StatelessResetKey:   (*quic.StatelessResetKey)(l.config.ResetKey),
		ConnContext:         l.admit,
		VerifySourceAddress: func(net.Addr) bool { return l.waiting.Load() >= int64(l.config.ValidateFrom) },
	}
}

// awaitConnections waits until all connections have ended, but when ctx ends no longer than mostLastWords.
func (l *Listener) awaitConnections(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		l.connectionGroup.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	timeout := time.NewTimer(mostLastWords)
	defer timeout.Stop()
	select {
	case <-ended:
	case <-timeout.C:
	}
}

// Accept implements net.Listener. It returns a *Conn when its stream has come.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		giveBack(conn.conn)
		return conn, nil
	case <-l.quit.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It ends Accept and lets nobody in any more; connections that were accepted stay open.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quit.Err() != nil {
		return net.ErrClosed
	}
	l.stop()
	if l.running {
		return nil
	}
	return l.socket.Close()
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.socket.LocalAddr() }

// Stats returns what the listener has counted.
func (l *Listener) Stats() Stats {
	return Stats{
		Waiting:        int(l.waiting.Load()),
		Refused:        l.refused.Load(),
		RefusedStreams: l.refusedStreams.Load(),
	}
}
