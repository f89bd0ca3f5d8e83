package config

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"
)

// Listeners are the doors through which MQTT clients come. Lists are kept as they were given, between commas.
type Listeners struct {
	MQTTAddr             string // TCP
	MQTTS                bool   // whether clients may come over TLS
	MQTTSAddr            string // TCP
	WebSockets           bool   // whether they may come through WebSockets
	WebSocketsAddr       string // TCP
	SecureWebSockets     bool   // whether they may come through WebSockets over TLS
	SecureWebSocketsAddr string // TCP
	QUIC                 bool   // whether they may come over QUIC
	QUICAddr             string // UDP
	UnixSocket           string // path; empty: none

	WebSocketsOrigins string // list of web sites whose scripts may connect; empty: all
	ProxyProtocol     bool   // whether the MQTT and MQTTS clients come through a proxy that says who they are
	TrustedProxies    string // list of networks in CIDR notation

	TLSCertFile         string // PEM; empty: a self-signed certificate of the node's key
	TLSKeyFile          string // PEM
	ServerName          string // in the self-signed certificate
	TLSClientCAFile     string // PEM; those whose certificates clients may prove a name with; empty: none
	TLSUsernameFromCert bool   // whether the proven name is the user's
}

func defaultListeners() Listeners {
	return Listeners{
		MQTTAddr:             "0.0.0.0:1883",
		MQTTSAddr:            "0.0.0.0:8883",
		WebSocketsAddr:       "0.0.0.0:8080",
		SecureWebSocketsAddr: "0.0.0.0:8443",
		QUICAddr:             "0.0.0.0:14567",
		ServerName:           "foxmq.local",
	}
}

func (l *Listeners) bindListeners(fs *pflag.FlagSet) {
	fs.BoolVar(&l.MQTTS, "mqtts", l.MQTTS, "listen for MQTT over TLS")
	fs.Var(addr(&l.MQTTSAddr), "mqtts-addr", "`host:port` for MQTT over TLS (TCP)")
	fs.BoolVar(&l.WebSockets, "websockets", l.WebSockets, "listen for MQTT over WebSocket")
	fs.Var(addr(&l.WebSocketsAddr), "websockets-addr", "`host:port` for MQTT over WebSocket (TCP); any path")
	fs.BoolVar(&l.SecureWebSockets, "secure-websockets", l.SecureWebSockets, "listen for MQTT over WebSocket over TLS")
	fs.Var(addr(&l.SecureWebSocketsAddr), "secure-websockets-addr", "`host:port` for MQTT over WebSocket over TLS (TCP)")
	l.bindQUIC(fs)
	fs.StringVar(&l.UnixSocket, "unix-socket", l.UnixSocket, "`path` of a Unix socket for MQTT clients")
	fs.Var(origins(&l.WebSocketsOrigins), "websockets-origins",
		"web `sites` whose scripts may connect, such as https://example.org,https://example.net (default: all)")
	fs.BoolVar(&l.ProxyProtocol, "proxy-protocol", l.ProxyProtocol,
		"expect the PROXY protocol, version 1 or 2, from every MQTT and MQTTS client")
	fs.Var(networks(&l.TrustedProxies), "trusted-proxies",
		"`networks`, such as 192.0.2.0/24,2001:db8::1, whose PROXY protocol and X-Forwarded-For are believed")
	l.bindTLS(fs)
}

func (l *Listeners) bindQUIC(fs *pflag.FlagSet) {
	fs.BoolVar(&l.QUIC, "quic", l.QUIC, "listen for MQTT over QUIC")
	fs.Var(addr(&l.QUICAddr), "quic-addr", "`host:port` for MQTT over QUIC (UDP)")
}

func (l *Listeners) bindTLS(fs *pflag.FlagSet) {
	fs.StringVar(&l.TLSCertFile, "tls-cert-file", l.TLSCertFile,
		"PEM `file` with the certificate (default: self-signed, in key_N.crt)")
	fs.StringVar(&l.TLSKeyFile, "tls-key-file", l.TLSKeyFile,
		"PEM `file` with the certificate's key (default: the node's key)")
	fs.Var(serverName(&l.ServerName), "server-name", "`name` in the self-signed certificate")
	fs.StringVar(&l.TLSClientCAFile, "tls-client-ca-file", l.TLSClientCAFile,
		"PEM `file` with the authorities whose certificates clients may show (not those of WebSockets)")
	fs.BoolVar(&l.TLSUsernameFromCert, "tls-username-from-cert", l.TLSUsernameFromCert,
		"take the common name of a client's certificate as its user name; it needs no password then")
}

func (l *Listeners) validateListeners() error {
	switch {
	case (l.TLSCertFile == "") != (l.TLSKeyFile == ""):
		return errors.New("tls-cert-file and tls-key-file go together")
	case l.TLSUsernameFromCert && l.TLSClientCAFile == "":
		return errors.New("tls-username-from-cert needs tls-client-ca-file")
	}
	return nil
}

// TLS reports whether a listener needs a certificate.
func (l *Listeners) TLS() bool { return l.MQTTS || l.SecureWebSockets || l.QUIC }

// Origins returns the web sites whose scripts may connect; none: all may.
func (l *Listeners) Origins() []string { return list(l.WebSocketsOrigins) }

// Proxies returns the networks whose word about where a client comes from is believed.
func (l *Listeners) Proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, s := range list(l.TrustedProxies) {
		if p, err := parseNetwork(s); err == nil { // else the flag has refused it
			all = append(all, p)
		}
	}
	return all
}

// list takes a list at its commas apart.
func list(s string) []string {
	var all []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
