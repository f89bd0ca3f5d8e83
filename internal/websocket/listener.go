// Package websocket lets MQTT clients come through a WebSocket [MQTT-6.0.0-1]: a Listener answers handshakes on the
// connections of another listener, TCP or TLS, and what it accepts are byte streams like those of TCP. Who serves them
// needs not know.
//
// Every path is as good as another. A client must offer the subprotocol "mqtt", or "mqttv3.1" as some old ones do. A GET
// that asks for no WebSocket is answered 200, for those who check whether somebody is there, unless Config.Silent.
//
// # Concurrency
//
// Run answers handshakes, each in a goroutine of http.Server, and returns after the last of them. A Listener's other
// methods may be called from any goroutine. A Conn is used like a net.Conn, but for CloseWrite.
package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// protocols are the subprotocols that are taken, the best first [MQTT-6.0.0-4].
var protocols = []string{"mqtt", "mqttv3.1"}

// maxHeaderBytes bounds what a client sends before the connection is upgraded.
const maxHeaderBytes = 16 << 10

// Config says how a Listener works. For every field that is left zero and has a default, New takes the default.
type Config struct {
	// Origins are the web sites, such as "https://example.org", whose scripts may connect; none allows all of them. A
	// client that is no browser says nothing of an origin, and is let in.
	Origins []string
	// TrustedProxies are the networks whose X-Forwarded-For is believed; none: nobody's is.
	TrustedProxies []netip.Prefix
	// Silent tells whether who is not upgraded gets no answer at all; nil is no.
	Silent func() bool
	// HandshakeTimeout is how long a client may take for its handshake, that of TLS included. Default 10 s.
	HandshakeTimeout time.Duration
	// MaxHandshakes bounds the connections that are not upgraded yet. What comes above is closed at once. Default 4,096.
	MaxHandshakes int
}

// Listener is a net.Listener of WebSockets.
type Listener struct {
	inner    net.Listener
	config   Config
	server   http.Server
	upgrader websocket.Upgrader
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once // of closed

	waiting    atomic.Int64   // connections that are not upgraded yet
	refused    atomic.Uint64  // connections that were never upgraded
	goroutines sync.WaitGroup // of server
}

// Stats is what a Listener has counted.
type Stats struct {
	Waiting int    // connections now that are not upgraded yet
	Refused uint64 // connections that have ended without an upgrade, plain HTTP requests included
}

// Stats returns the counters.
func (l *Listener) Stats() Stats {
	return Stats{Waiting: int(l.waiting.Load()), Refused: l.refused.Load()}
}

// New returns a listener for the connections of inner, which it owns from now on. Nobody is answered before Run.
func New(inner net.Listener, config Config) *Listener {
	if config.HandshakeTimeout == 0 {
		config.HandshakeTimeout = 10 * time.Second
	}
	if config.MaxHandshakes == 0 {
		config.MaxHandshakes = 4096
	}
	if config.Silent == nil {
		config.Silent = func() bool { return false }
	}
	l := &Listener{inner: curtained{inner, config.Silent}, config: config, accepted: make(chan net.Conn), closed: make(chan struct{})}
	l.upgrader = websocket.Upgrader{CheckOrigin: l.welcome, HandshakeTimeout: config.HandshakeTimeout}
	l.server = http.Server{
		Handler:        l,
		ReadTimeout:    config.HandshakeTimeout,
		WriteTimeout:   config.HandshakeTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ConnState:      l.track,
		ErrorLog:       log.New(io.Discard, "", 0), // what clients do wrong would fill the log
		Protocols:      new(http.Protocols),
	}
	l.server.Protocols.SetHTTP1(true)
	l.server.SetKeepAlivesEnabled(false)
	return l
}

// Run answers handshakes until ctx ends or Close is called, which is no error, or the inner listener fails. It is called
// once and closes the listener.
func (l *Listener) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	err := l.server.Serve(l.inner)
	asked := l.isClosed()
	_ = l.Close()
	_ = l.server.Close()
	l.goroutines.Wait()
	if asked {
		return nil
	}
	return fmt.Errorf("answer WebSocket handshakes on %s: %w", l.Addr(), err)
}

// Accept implements net.Listener. It returns connections whose handshake is done.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It ends Run and Accept; connections that were accepted stay open.
func (l *Listener) Close() error {
	err := net.ErrClosed
	l.close.Do(func() {
		close(l.closed)
		err = l.inner.Close()
	})
	return err
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

func (l *Listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// track counts the connections that are not upgraded yet, and the goroutines that server has for them. Serve itself
// tells of a new connection, so none comes after it has returned.
func (l *Listener) track(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.goroutines.Add(1)
		if l.waiting.Add(1) > int64(l.config.MaxHandshakes) {
			conn.Close()
		}
	case http.StateHijacked, http.StateClosed:
		if state == http.StateClosed {
			l.refused.Add(1)
		}
		l.waiting.Add(-1)
		l.goroutines.Done()
	}
}

// ServeHTTP implements http.Handler.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.goroutines.Add(1) // since the connection no longer counts once it is upgraded
	defer l.goroutines.Done()
	if !websocket.IsWebSocketUpgrade(r) {
		answerPlain(w, r)
		return
	}
	conn, err := l.upgrade(w, r)
	if err != nil {
		return // the client has been told
	}
	select {
	case l.accepted <- conn:
	case <-l.closed:
		conn.Close()
	}
}

// answerPlain answers who asks for no WebSocket.
func answerPlain(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "MQTT over WebSocket: connect with the subprotocol mqtt\n")
}

// upgrade answers a handshake.
func (l *Listener) upgrade(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	offered := websocket.Subprotocols(r)
	i := slices.IndexFunc(protocols, func(p string) bool { return slices.Contains(offered, p) })
	if i < 0 { // [MQTT-6.0.0-3]
		http.Error(w, "the subprotocol mqtt is not offered", http.StatusBadRequest)
		return nil, errors.New("no subprotocol")
	}
	h := &hijacker{ResponseWriter: w, client: l.clientAddr(r)}
	conn, err := l.upgrader.Upgrade(h, r, http.Header{"Sec-Websocket-Protocol": protocols[i : i+1]})
	if err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	return newConn(conn, h.socket), nil
}

// welcome tells whether the origin of a request is let in.
func (l *Listener) welcome(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return len(l.config.Origins) == 0 || origin == "" ||
		slices.ContainsFunc(l.config.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
}
