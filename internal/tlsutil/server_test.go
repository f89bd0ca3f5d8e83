package tlsutil

import (
	"bytes"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"testing"
)

func selfSigned(t *testing.T, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := newKey(t, elliptic.P256())
	der, err := SelfSigned(key, names)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// Whoever trusts the certificate reaches the node by each of its names, with either version, and by no other name.
func TestSelfSignedIsTrustedByItsNames(t *testing.T) {
	cert, pool := selfSigned(t, "foxmq.local", "localhost", "127.0.0.1", "::1")
	for name, good := range map[string]bool{
		"foxmq.local": true, "localhost": true, "127.0.0.1": true, "::1": true, "example.org": false, "127.0.0.2": false,
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			client := &tls.Config{RootCAs: pool, ServerName: name, MaxVersion: version}
			conn, _, err, _ := shake(t, client, Server(cert, nil))
			if (err == nil) != good {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil && conn.ConnectionState().Version != version {
				t.Errorf("%s: version %x", name, conn.ConnectionState().Version)
			}
		}
	}
}

func TestSelfSignedIsTheSameEachTime(t *testing.T) {
	key := newKey(t, elliptic.P256())
	der := func(names ...string) []byte {
		d, err := SelfSigned(key, names)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := der("a", "b")
	if !bytes.Equal(first, der("a", "b")) {
		t.Error("the same key and names give two certificates")
	}
	cert, err := x509.ParseCertificate(first)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.ParseCertificate(der("a", "c"))
	if err != nil || other.SerialNumber.Cmp(cert.SerialNumber) == 0 {
		t.Errorf("two certificates have one number (%v)", err)
	}
	if !Serves(cert, key, []string{"a"}) || Serves(cert, key, []string{"a", "c"}) || Serves(cert, newKey(t, elliptic.P256()), nil) {
		t.Error("Serves is wrong")
	}
}

func TestWeakSuitesAndOldVersionsAreRefused(t *testing.T) {
	cert, pool := selfSigned(t, "localhost")
	for what, client := range map[string]*tls.Config{
		"CBC": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
		"1.1": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
	} {
		client.RootCAs, client.ServerName = pool, "localhost"
		if _, _, err, _ := shake(t, client, Server(cert, nil)); err == nil {
			t.Errorf("%s is let in", what)
		}
	}
}

// A client proves its name by a certificate of the authority's, or none by none; a stranger's certificate is refused.
func TestClientName(t *testing.T) {
	cert, pool := selfSigned(t, "localhost")
	alice := newCertificate(t, newKey(t, elliptic.P256()), "alice")
	leaf, err := x509.ParseCertificate(alice.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AddCert(leaf)
	for want, shown := range map[string][]tls.Certificate{"alice": {alice}, "": nil} {
		client := &tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: shown}
		_, server, _, err := shake(t, client, Server(cert, authorities))
		if err != nil || ClientName(server.ConnectionState()) != want {
			t.Errorf("%q is %q, %v", want, ClientName(server.ConnectionState()), err)
		}
	}
	mallory := newCertificate(t, newKey(t, elliptic.P256()), "alice")
	client := &tls.Config{
		RootCAs: pool, ServerName: "localhost",
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &mallory, nil },
	}
	if _, _, _, err := shake(t, client, Server(cert, authorities)); err == nil {
		t.Error("a certificate that nobody signed proves a name")
	}
}
