package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/foxmq/foxmq/internal/admin"
	"github.com/foxmq/foxmq/internal/config"
	"github.com/foxmq/foxmq/internal/guard"
	"github.com/foxmq/foxmq/internal/listener"
	"github.com/foxmq/foxmq/internal/quicdoor"
	"github.com/foxmq/foxmq/internal/websocket"
)

// listen opens the listeners, so that an address in use is an error before anything runs.
func (d *daemon) listen(id *identity) error {
	var err error
	if d.doors, err = openDoors(&d.cfg, id, d.guard, d.silent, d.log); err != nil {
		return err
	}
	if d.admin, err = d.openAdmin(); err != nil {
		d.doors.close()
	}
	return err
}

func (d *daemon) openAdmin() (*admin.Server, error) {
	token, err := d.cfg.ReadToken()
	if err != nil {
		return nil, err
	}
	s, err := admin.Listen(admin.Config{
		Addr: d.cfg.AdminAddr, Token: token, Node: d.node, Logger: d.log.Named("admin"),
		Status: func() any { return d.status() }, Metrics: newCollector(d.status), Bans: bans{d.broker},
	})
	if errors.Is(err, admin.ErrPublic) {
		err = withHint(err, "--admin-token-file FILE or FOXMQ_ADMIN_TOKEN sets a token; --admin-addr 127.0.0.1:9883 is for this "+
			"machine alone")
	}
	return s, err
}

// doors are the listeners for MQTT clients.
type doors struct {
	cfg          *config.Config
	guard        *guard.Guard // of all listeners
	silent       func() bool  // who is refused is told nothing
	log          *zap.Logger
	listeners    []net.Listener
	certificates *listener.Certificates // nil: no listener needs any
	handshakes   *listener.Handshakes   // of the listeners with TLS
	proxied      []*listener.Proxied    // below the listeners
	websockets   []*websocket.Listener  // of the listeners, those that have to be run
	quic         *quicdoor.Listener     // the same; nil: off
}

// openDoors opens the listeners that cfg asks for, or none.
func openDoors(cfg *config.Config, id *identity, guard *guard.Guard, silent func() bool, log *zap.Logger) (*doors, error) {
	d := &doors{
		cfg: cfg, guard: guard, silent: silent, log: log,
		handshakes: listener.NewHandshakes(max(1, runtime.GOMAXPROCS(0)/2)), // the other half is for who is in
	}
	if err := d.open(id); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *doors) open(id *identity) error {
	if d.cfg.TLS() {
		if err := d.certify(id); err != nil {
			return err
		}
	}
	if d.cfg.ProxyProtocol && d.cfg.TrustedProxies == "" {
		d.log.Named("mqtt::listener").Warn("no trusted proxies are named, so the PROXY protocol is believed from anybody")
	}
	cfg := d.cfg
	for _, door := range []struct {
		wanted bool
		open   func() error
	}{
		{true, func() error { return d.openMQTT("MQTT clients", "mqtt::broker", cfg.MQTTAddr, nil) }},
		{cfg.MQTTS, func() error { return d.openMQTT("MQTT clients over TLS", "mqtt::tls", cfg.MQTTSAddr, d.certificates) }},
		{cfg.WebSockets, func() error { return d.openWeb("WebSockets", "mqtt::websocket", cfg.WebSocketsAddr, nil) }},
		{cfg.SecureWebSockets, func() error {
			return d.openWeb("WebSockets over TLS", "mqtt::websocket", cfg.SecureWebSocketsAddr, d.certificates)
		}},
		{cfg.QUIC, func() error { return d.openQUIC(id.key) }},
		{cfg.UnixSocket != "", d.openUnix},
	} {
		if !door.wanted {
			continue
		}
		if err := door.open(); err != nil {
			return err
		}
	}
	return nil
}

// certify gets what the TLS listeners show.
func (d *doors) certify(id *identity) (err error) {
	cfg, log := d.cfg, d.log.Named("tls")
	var own *tls.Certificate
	if cfg.TLSCertFile == "" {
		var addresses []string
		if cfg.MQTTS {
			addresses = append(addresses, cfg.MQTTSAddr)
		}
		if cfg.SecureWebSockets {
			addresses = append(addresses, cfg.SecureWebSocketsAddr)
		}
		if cfg.QUIC {
			addresses = append(addresses, cfg.QUICAddr)
		}
		path := filepath.Join(id.dir, listener.SelfSignedFile(id.self))
		if own, err = listener.SelfSigned(path, id.key, listener.Names(cfg.ServerName, addresses...), log); err != nil {
			return err
		}
	}
	d.certificates, err = listener.NewCertificates(listener.CertificateConfig{
		CertFile: cfg.TLSCertFile, KeyFile: cfg.TLSKeyFile, Own: own, AuthoritiesFile: cfg.TLSClientCAFile, Log: log,
	})
	return err
}

// openMQTT opens a listener for MQTT over TCP, or, with certificates, over TLS.
func (d *doors) openMQTT(what, name, addr string, certificates *listener.Certificates) error {
	l, err := d.listenTCP(what, name, addr)
	if err != nil {
		return err
	}
	if d.cfg.ProxyProtocol {
		proxied := listener.Proxy(l, listener.ProxyConfig{
			Trusted: d.cfg.Proxies(), Timeout: d.cfg.ConnectTimeout, Refused: d.refusal(name),
		})
		d.proxied = append(d.proxied, proxied)
		l = proxied
	}
	l = d.guard.Listen(l, nil)
	if certificates != nil {
		l = d.handshakes.Listen(l, certificates.TLS(), d.cfg.TLSUsernameFromCert)
	}
	d.add(l)
	return nil
}

// refusal returns what is said of a connection whose PROXY header is not taken.
func (d *doors) refusal(name string) func(net.Conn, error) {
	log := d.log.Named(name)
	return func(conn net.Conn, why error) {
		log.Debug("connection refused", zap.Stringer("remote_addr", conn.RemoteAddr()), zap.Error(why))
	}
}

// openWeb opens a listener for WebSockets, over TLS if there are certificates.
func (d *doors) openWeb(what, name, addr string, certificates *listener.Certificates) error {
	l, err := d.listenTCP(what, name, addr)
	if err != nil {
		return err
	}
	l = d.guard.Listen(l, func(conn net.Conn) bool { return !d.fromProxy(conn) })
	if certificates != nil {
		l = d.handshakes.Listen(l, certificates.WebTLS(), false)
	}
	web := websocket.New(l, websocket.Config{
		Origins: d.cfg.Origins(), TrustedProxies: d.cfg.Proxies(), HandshakeTimeout: d.cfg.ConnectTimeout,
		Silent: d.silent,
	})
	d.websockets = append(d.websockets, web)
	d.add(d.guard.Listen(web, isForwarded))
	return nil
}

// fromProxy tells whether a connection is that of a proxy, whose clients' addresses count, and not its own.
func (d *doors) fromProxy(conn net.Conn) bool {
	from := guard.Address(conn)
	return slices.ContainsFunc(d.cfg.Proxies(), func(p netip.Prefix) bool { return p.Contains(from) })
}

// isForwarded tells whether a connection has the address that a proxy has told.
func isForwarded(conn net.Conn) bool { return conn.(*websocket.Conn).Forwarded() }

func (d *doors) openUnix() error {
	l, err := listener.Unix(d.cfg.UnixSocket)
	if err != nil {
		return fmt.Errorf("listen on Unix socket: %w", err)
	}
	d.announce("mqtt::unix", l)
	d.add(l)
	return nil
}

// listenTCP opens a listener and says so in the log under that name.
func (d *doors) listenTCP(what, name, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	d.announce(name, l)
	return l, nil
}

func (d *doors) announce(name string, l net.Listener) {
	d.log.Named(name).Info("listening for connections", zap.Stringer("listen_addr", l.Addr()))
}

func (d *doors) add(l net.Listener) { d.listeners = append(d.listeners, l) }

// run runs what the listeners need besides being served, until ctx ends.
func (d *doors) run(ctx context.Context, group *errgroup.Group) {
	for _, web := range d.websockets {
		group.Go(func() error { return web.Run(ctx) })
	}
	if d.quic != nil {
		group.Go(func() error { return d.quic.Run(ctx) })
	}
	if d.certificates != nil {
		group.Go(func() error { return d.certificates.Run(ctx) })
	}
}

// reloaders are what reads files again on SIGHUP.
func (d *doors) reloaders() []reloader {
	if d.certificates == nil {
		return nil
	}
	return []reloader{d.certificates}
}

// close closes the listeners again that nobody has served.
func (d *doors) close() {
	for _, l := range d.listeners {
		_ = l.Close()
	}
}
