package listener

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/foxmq/foxmq/internal/tlsutil"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// writePair writes a new certificate and its key, and returns the certificate.
func writePair(t *testing.T, dir string) *x509.Certificate {
	t.Helper()
	key := newKey(t)
	der, err := tlsutil.SelfSigned(key, []string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "key.pem"), "EC PRIVATE KEY", secret)
	writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", der)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// trusting is a client that trusts just the one certificate.
func trusting(cert *x509.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// shake lets a client connect, and returns its error.
func shake(t *testing.T, l net.Listener, config *tls.Config) error {
	t.Helper()
	client := tls.Client(dial(t, l.Addr()), config)
	conn := accept(t, l)
	go func() {
		_, _ = io.Copy(conn, conn)
	}()
	if _, err := client.Write([]byte("x")); err != nil {
		return err
	}
	_, err := client.Read(make([]byte, 1))
	return err
}

func open(t *testing.T, dir, authorities string) *Certificates {
	t.Helper()
	c, err := NewCertificates(CertificateConfig{
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), AuthoritiesFile: authorities,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// New files are in force for the next connection; what cannot be used leaves the old ones in force, and is no obstacle to
// the ones after it. Connections that are open stay open.
func TestNewCertificate(t *testing.T) {
	dir := t.TempDir()
	first := writePair(t, dir)
	c := open(t, dir, "")
	l := NewHandshakes(1).Listen(listenTCP(t, "127.0.0.1"), c.TLS(), false)
	if err := shake(t, l, trusting(first)); err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "key.pem"), "EC PRIVATE KEY", []byte("no key"))
	c.refresh(false)
	if err := shake(t, l, trusting(first)); err != nil {
		t.Errorf("after a broken pair: %v", err)
	}
	second := writePair(t, dir)
	c.refresh(false)
	if err := shake(t, l, trusting(second)); err != nil {
		t.Errorf("the new certificate: %v", err)
	}
	if err := shake(t, l, trusting(first)); err == nil {
		t.Error("the old certificate is still shown")
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir)
	c := open(t, dir, "")
	before := c.current.Load()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	c.Reload()
	for deadline := time.Now().Add(patience); c.current.Load() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not reloaded")
		}
	}
}

func TestCertificatesThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewCertificates(CertificateConfig{CertFile: "nowhere", KeyFile: "nowhere"}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	writePair(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("no authority"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := NewCertificates(CertificateConfig{
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), AuthoritiesFile: filepath.Join(dir, "ca.pem"),
	})
	if err == nil {
		t.Error("a file without certificates is taken")
	}
}

// The name is known when something has been read, and only if somebody is interested.
func TestClientName(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	server := writePair(t, dir)
	alice, err := tlsutil.Certificate(key, "alice")
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", alice.Certificate[0])
	c := open(t, dir, filepath.Join(dir, "ca.pem"))
	for _, names := range []bool{true, false} {
		l := NewHandshakes(1).Listen(listenTCP(t, "127.0.0.1"), c.TLS(), names)
		for want, shown := range map[string][]tls.Certificate{"alice": {alice}, "": nil} {
			config := trusting(server)
			config.Certificates = shown
			client := tls.Client(dial(t, l.Addr()), config)
			go func() { _, _ = client.Write([]byte("x")) }()
			conn := accept(t, l)
			expect(t, conn, "x")
			if !names {
				want = ""
			}
			if got := conn.(*tlsConn).ClientName(); got != want {
				t.Errorf("the client is %q, want %q", got, want)
			}
		}
	}
}

// Accept waits for nobody's handshake, and a read ends at its deadline.
func TestStalledHandshake(t *testing.T) {
	dir := t.TempDir()
	server := writePair(t, dir)
	l := NewHandshakes(1).Listen(listenTCP(t, "127.0.0.1"), open(t, dir, "").TLS(), false)
	dial(t, l.Addr())
	stalled := accept(t, l)
	if err := shake(t, l, trusting(server)); err != nil {
		t.Error(err)
	}
	_ = stalled.SetReadDeadline(time.Unix(0, 1))
	if _, err := stalled.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// The certificate in the file is kept until it does not fit any more, and is of use although it cannot be written.
func TestSelfSigned(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	path := filepath.Join(dir, SelfSignedFile(3))
	der := func(path string, key *ecdsa.PrivateKey, names ...string) string {
		cert, err := SelfSigned(path, key, names, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		if stands := readCertificate(path); filepath.Dir(path) == dir && string(stands) != string(cert.Certificate[0]) {
			t.Error("another certificate stands in the file")
		}
		return string(cert.Certificate[0])
	}
	first := der(path, key, "a", "b")
	if der(path, key, "b") != first {
		t.Error("a certificate that fits is not kept")
	}
	if der(path, key, "b", "c") == first {
		t.Error("a certificate that lacks a name is kept")
	}
	if second := der(path, key, "a"); der(path, newKey(t), "a") == second {
		t.Error("a certificate of another key is kept")
	}
	nowhere := filepath.Join(dir, "nowhere", "key.crt")
	if once := der(nowhere, key, "a"); der(nowhere, key, "a") != once {
		t.Error("a certificate that cannot be written is another each time")
	}
}

func TestNames(t *testing.T) {
	got := Names("foxmq.local", "0.0.0.0:1", "[::]:2", ":3", "192.0.2.1:4", "[::1]:5", "host:6", "localhost:7")
	want := []string{"foxmq.local", "192.0.2.1", "::1", "host", "localhost", "127.0.0.1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
