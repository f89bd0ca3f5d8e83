package quicdoor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const patience = time.Minute

// newCertificate makes a self-signed certificate for loopback.
func newCertificate(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// trust returns the configuration of a client that trusts the certificate.
func trust(cert tls.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	return &tls.Config{RootCAs: roots, NextProtos: []string{Protocol}}
}

// door is a listener that runs, and what a client needs to come through it.
type door struct {
	*Listener
	client *tls.Config
	halt   func() // ends Run as its context does, and waits for it
}

// serve runs a listener until the test ends, with a certificate of its own if the config has none.
func serve(t testing.TB, config Config) *door {
	t.Helper()
	cert := newCertificate(t, "server")
	if config.TLS == nil {
		config.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	return serveAt(t, "127.0.0.1:0", config, trust(cert))
}

func serveAt(t testing.TB, addr string, config Config, client *tls.Config) *door {
	t.Helper()
	l, err := Listen(addr, config)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, l, client)
}

func run(t testing.TB, l *Listener, client *tls.Config) *door {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	halt := func() {
		cancel()
		<-ended
	}
	t.Cleanup(func() {
		halt()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after the end: %v", err)
		}
	})
	return &door{l, client, halt}
}

// dial opens a QUIC connection from a socket of its own.
func (d *door) dial(t testing.TB, config *quic.Config) *quic.Conn {
	t.Helper()
	return dialAt(t, d.Addr().String(), d.client, config)
}

func dialAt(t testing.TB, addr string, client *tls.Config, config *quic.Config) *quic.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := quic.DialAddr(ctx, addr, client, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	return conn
}

// open opens the stream of a connection and returns what the listener accepts of it. The client has said "hello".
func (d *door) open(t testing.TB, client *quic.Conn) (*quic.Stream, net.Conn) {
	t.Helper()
	stream, err := client.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.SetDeadline(time.Now().Add(patience))
	say(t, stream, "hello")
	conn, err := d.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	hear(t, conn, "hello")
	return stream, conn
}

// pair returns a client's stream and what the listener accepts of it.
func (d *door) pair(t testing.TB) (*quic.Stream, net.Conn) {
	t.Helper()
	return d.open(t, d.dial(t, nil))
}

func say(t testing.TB, w io.Writer, words string) {
	t.Helper()
	if _, err := io.WriteString(w, words); err != nil {
		t.Fatal(err)
	}
}

func hear(t testing.TB, r io.Reader, words string) {
	t.Helper()
	got := make([]byte, len(words))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != words {
		t.Fatalf("got %q, %v, want %q", got, err, words)
	}
}

// converse shows that a connection works both ways.
func converse(t testing.TB, client io.ReadWriter, conn net.Conn) {
	t.Helper()
	say(t, client, "ping")
	hear(t, conn, "ping")
	say(t, conn, "pong")
	hear(t, client, "pong")
}
