package tlsutil

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
)

const protocol = "test/1"

func newKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCertificate(t *testing.T, key *ecdsa.PrivateKey, name string) tls.Certificate {
	t.Helper()
	cert, err := Certificate(key, name)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func welcome(Peer) error { return nil }

// connection returns the two ends of a TCP connection. (A net.Pipe holds nothing, so that two sides which both want
// to write first, an alert and a flight, say, would wait for each other.)
func connection(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// shake lets a client and a server shake hands and returns what each came to. The client reads one byte, for in
// TLS 1.3 a client learns only by reading that the server has turned it away.
func shake(t *testing.T, asClient, asServer *tls.Config) (client, server *tls.Conn, clientErr, serverErr error) {
	t.Helper()
	a, b := connection(t)
	client, server = tls.Client(a, asClient), tls.Server(b, asServer)
	done := make(chan error)
	go func() {
		err := server.Handshake()
		if err == nil {
			_, err = server.Write([]byte{1})
		} else {
			b.Close()
		}
		done <- err
	}()
	if clientErr = client.Handshake(); clientErr == nil {
		_, clientErr = client.Read(make([]byte, 1))
	} else {
		a.Close()
	}
	return client, server, clientErr, <-done
}

func TestBothSidesLearnTheProvenKey(t *testing.T) {
	clientKey, serverKey := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	client, server, clientErr, serverErr := shake(t,
		Mutual(newCertificate(t, clientKey, "client"), protocol, welcome),
		Mutual(newCertificate(t, serverKey, "server"), protocol, welcome))
	if clientErr != nil || serverErr != nil {
		t.Fatalf("handshake: client %v, server %v", clientErr, serverErr)
	}
	for _, side := range []struct {
		conn *tls.Conn
		peer *ecdsa.PrivateKey
		name string
	}{{client, serverKey, "server"}, {server, clientKey, "client"}} {
		p, err := Proven(side.conn.ConnectionState())
		if err != nil {
			t.Fatal(err)
		}
		if !p.Key.Equal(&side.peer.PublicKey) || p.Name != side.name {
			t.Errorf("the %s's peer shows as %q with key %v", side.name, p.Name, p.Key)
		}
		if side.conn.ConnectionState().Version != tls.VersionTLS13 {
			t.Error("not TLS 1.3")
		}
	}
}

func TestUnwelcomePeerIsRefused(t *testing.T) {
	refusal := errors.New("not in the book")
	refuse := func(Peer) error { return refusal }
	for name, accept := range map[string]struct{ client, server func(Peer) error }{
		"by the client": {refuse, welcome},
		"by the server": {welcome, refuse},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, clientErr, serverErr := shake(t,
				Mutual(newCertificate(t, newKey(t, elliptic.P256()), ""), protocol, accept.client),
				Mutual(newCertificate(t, newKey(t, elliptic.P256()), ""), protocol, accept.server))
			if clientErr == nil || serverErr == nil {
				t.Fatalf("one side is content: client %v, server %v", clientErr, serverErr)
			}
			if !errors.Is(clientErr, refusal) && !errors.Is(serverErr, refusal) {
				t.Errorf("neither error says why: client %v, server %v", clientErr, serverErr)
			}
		})
	}
}

// foreign returns a certificate of a key that no node has.
func foreign(t *testing.T, public, private any) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: notBefore, NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func TestStrangePeersAreRefused(t *testing.T) {
	p384 := newKey(t, elliptic.P384())
	edPublic, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mine := newCertificate(t, newKey(t, elliptic.P256()), "")
	stolen := newCertificate(t, newKey(t, elliptic.P256()), "")
	stolen.PrivateKey = newKey(t, elliptic.P256())

	none := Mutual(mine, protocol, welcome)
	none.Certificates = nil
	old := Mutual(mine, protocol, welcome)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	silent := Mutual(mine, protocol, welcome)
	silent.NextProtos, silent.VerifyConnection = nil, nil

	for name, client := range map[string]*tls.Config{
		"a P-384 key":                   Mutual(foreign(t, &p384.PublicKey, p384), protocol, welcome),
		"an Ed25519 key":                Mutual(foreign(t, edPublic, edPrivate), protocol, welcome),
		"a certificate without its key": Mutual(stolen, protocol, welcome),
		"no certificate":                none,
		"TLS 1.2":                       old,
		"another protocol":              Mutual(mine, "test/2", welcome),
		"no protocol":                   silent,
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, _, err := shake(t, client, Mutual(mine, protocol, welcome)); err == nil {
				t.Error("the server let it in")
			}
		})
	}
}

func TestNoSessionIsResumed(t *testing.T) {
	client := Mutual(newCertificate(t, newKey(t, elliptic.P256()), ""), protocol, welcome)
	client.ServerName, client.ClientSessionCache = "peer", tls.NewLRUClientSessionCache(8)
	seen := 0
	server := Mutual(newCertificate(t, newKey(t, elliptic.P256()), ""), protocol, func(Peer) error { seen++; return nil })
	for range 3 {
		conn, _, clientErr, serverErr := shake(t, client, server)
		if clientErr != nil || serverErr != nil {
			t.Fatalf("handshake: client %v, server %v", clientErr, serverErr)
		}
		if conn.ConnectionState().DidResume {
			t.Error("a session was resumed")
		}
	}
	if seen != 3 {
		t.Errorf("the server decided %d times about 3 connections", seen)
	}
}

func TestCertificateTakesOnlyP256(t *testing.T) {
	_, err := Certificate(newKey(t, elliptic.P384()), "")
	if err == nil || !strings.Contains(err.Error(), "P-256") {
		t.Errorf("got %v", err)
	}
}
