package quicdoor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// noProtocol is how a handshake ends without a common ALPN protocol (RFC 9001 §8.1).
const noProtocol = 0x100 + 120

func TestOnlyMQTTIsSpoken(t *testing.T) {
	d := serve(t, Config{})
	for _, offers := range [][]string{{"h3"}, {"MQTT"}, {"mqtt/5"}, nil} {
		client := d.client.Clone()
		client.NextProtos = offers
		_, err := quic.DialAddr(t.Context(), d.Addr().String(), client, nil)
		var refusal *quic.TransportError
		if !errors.As(err, &refusal) || refusal.ErrorCode != noProtocol {
			t.Errorf("%v: %v", offers, err)
		}
	}
	d.client.NextProtos = []string{"h3", "mqtt"}
	client, conn := d.pair(t)
	converse(t, client, conn)
}

// Whoever gives the configuration may choose another for each client, whose ALPN protocols are those of TCP.
func TestAChosenConfiguration(t *testing.T) {
	cert := newCertificate(t, "chosen")
	chosen := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}}
	d := serve(t, Config{TLS: &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return chosen, nil },
	}})
	d.client = trust(cert)
	client, conn := d.pair(t)
	converse(t, client, conn)
}

func TestTheNameOfACertificate(t *testing.T) {
	server, alice := newCertificate(t, "server"), newCertificate(t, "alice")
	authority := x509.NewCertPool()
	authority.AddCert(alice.Leaf)
	d := serve(t, Config{
		TLS: &tls.Config{
			Certificates: []tls.Certificate{server}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: authority,
		},
		ClientName: func(s tls.ConnectionState) string {
			if len(s.VerifiedChains) == 0 {
				return ""
			}
			return s.PeerCertificates[0].Subject.CommonName
		},
	})
	d.client = trust(server)
	for want, certs := range map[string][]tls.Certificate{"": nil, "alice": {alice}} {
		d.client.Certificates = certs
		_, conn := d.pair(t)
		if got := conn.(interface{ ClientName() string }).ClientName(); got != want {
			t.Errorf("the client's name is %q, want %q", got, want)
		}
	}
}

// One socket serves both families, and says of neither that it is the other.
func TestBothFamilies(t *testing.T) {
	if probe, err := net.ListenPacket("udp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		probe.Close()
	}
	cert := newCertificate(t, "server")
	d := serveAt(t, "[::]:0", Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, trust(cert))
	_, port, _ := net.SplitHostPort(d.Addr().String())
	for _, host := range []string{"127.0.0.1", "::1"} {
		client, conn := d.open(t, dialAt(t, net.JoinHostPort(host, port), d.client, nil))
		converse(t, client, conn)
		if got, _, _ := net.SplitHostPort(conn.RemoteAddr().String()); got != host {
			t.Errorf("the client is at %s, and the server thinks at %s", host, got)
		}
	}
}

// A client that remembers the server may not send anything before the handshake is done.
func TestNoEarlyData(t *testing.T) {
	d := serve(t, Config{})
	d.client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 2 {
		conn, err := quic.DialAddrEarly(t.Context(), d.Addr().String(), d.client, nil)
		if err != nil {
			t.Fatal(err)
		}
		client, accepted := d.open(t, conn)
		converse(t, client, accepted)
		if conn.ConnectionState().Used0RTT {
			t.Error("the server took early data")
		}
		_ = conn.CloseWithError(0, "")
	}
}

func TestHandshakesAreBounded(t *testing.T) {
	d := serve(t, Config{MaxHandshakes: 2})
	if c, _ := (Config{TLS: &tls.Config{}}).withDefaults(); c.MaxHandshakes != 4096 || c.ValidateFrom != 128 {
		t.Errorf("by default %d may wait, and prove their address from %d on", c.MaxHandshakes, c.ValidateFrom)
	}
	first := d.dial(t, nil)
	d.dial(t, nil)
	_, err := quic.DialAddr(t.Context(), d.Addr().String(), d.client, nil)
	var refusal *quic.TransportError
	if !errors.As(err, &refusal) || refusal.ErrorCode != quic.ConnectionRefused {
		t.Errorf("the third connection: %v", err)
	}
	if s := d.Stats(); s.Waiting != 2 || s.Refused == 0 {
		t.Errorf("stats: %+v", s)
	}
	d.open(t, first)
	for range 3 { // of those that have their stream none counts
		client, conn := d.pair(t)
		converse(t, client, conn)
	}
}

// Below the bound nobody needs to prove an address, above it everybody does.
func TestAddressesAreProvenUnderLoad(t *testing.T) {
	d := serve(t, Config{ValidateFrom: 1})
	for _, crowded := range []bool{false, true} {
		r := newRelay(t, d.Addr())
		dialAt(t, r.addr(), d.client, nil)
		if r.retried() != crowded {
			t.Errorf("crowded: %v, and a Retry was sent: %v", crowded, r.retried())
		}
	}
}

// Who opens no stream, or opens it and says nothing, which QUIC does not tell the server, is sent away.
func TestAStreamMustCome(t *testing.T) {
	t.Parallel()
	d := serve(t, Config{HandshakeTimeout: 2 * time.Second})
	client := d.dial(t, nil)
	if _, err := client.OpenStream(); err != nil {
		t.Fatal(err)
	}
	<-client.Context().Done()
	var closed *quic.ApplicationError
	if err := context.Cause(client.Context()); !errors.As(err, &closed) || closed.ErrorCode != codeNormal {
		t.Errorf("the connection ended with %v", err)
	}
}

func TestACloseBeforeRun(t *testing.T) {
	l, err := Listen("127.0.0.1:0", Config{TLS: &tls.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Run(t.Context()); err != nil {
		t.Error(err)
	}
	again, err := Listen(l.Addr().String(), Config{TLS: &tls.Config{}})
	if err != nil {
		t.Fatalf("the address is not free: %v", err)
	}
	_ = again.Close()
}

// What comes before Close, and nobody has accepted, is closed with it; what was accepted goes on.
func TestCloseKeepsWhatWasAccepted(t *testing.T) {
	d := serve(t, Config{})
	client, conn := d.pair(t)
	waiting := d.dial(t, nil)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	<-waiting.Context().Done()
	converse(t, client, conn)
	if err := d.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the second close: %v", err)
	}
}

func TestABrokenConfigurationIsAnError(t *testing.T) {
	if _, err := Listen("127.0.0.1:0", Config{}); err == nil {
		t.Error("it listens without TLS")
	}
	if _, err := Listen("127.0.0.1:x", Config{TLS: &tls.Config{}}); err == nil {
		t.Error("it listens nowhere")
	}
}

func TestABrokenSocketIsAnError(t *testing.T) {
	l, err := Listen("127.0.0.1:0", Config{TLS: &tls.Config{Certificates: []tls.Certificate{newCertificate(t, "server")}}})
	if err != nil {
		t.Fatal(err)
	}
	l.socket.Close()
	if err := l.Run(t.Context()); err == nil {
		t.Error("the socket is broken, and Run says nothing")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
}

// A listener that was killed and begins again tells its clients, who would else wait for their idle time-out.
func TestAClientLearnsOfAnotherLife(t *testing.T) {
	key := [32]byte{1, 2, 3}
	d := serve(t, Config{ResetKey: &key})
	stream, _ := d.pair(t)
	d.halt()
	l, err := Listen(d.Addr().String(), Config{TLS: d.config.TLS, ResetKey: &key})
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, d.client)
	var reset *quic.StatelessResetError
	for {
		if _, err := stream.Write(make([]byte, 1000)); err != nil {
			if !errors.As(err, &reset) {
				t.Errorf("the client learns %v", err)
			}
			return
		}
	}
}
