package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// onlyAlice keeps a topic for the user alice.
const onlyAlice = `
[permissions.alice]
topic = [{ filter = "certified/alice", allowed = ["publish", "subscribe"] }]
[permissions.'*']
topic = [{ filter = "certified/#", denied = ["publish", "subscribe"] }]
`

// The other ways in: TLS with the certificate that each node makes, with clients' certificates, secure WebSockets, and
// Unix sockets.
func TestDoors(t *testing.T) {
	dir, pages := t.TempDir(), newPages(t)
	ca := newAuthority(t, dir)
	c := cluster.New(t, cluster.Config{
		Nodes: 4, Doors: true, Files: map[string]string{"permissions.toml": onlyAlice},
		Flags: []string{
			"--tls-client-ca-file", filepath.Join(dir, "ca.pem"), "--tls-username-from-cert",
			"--websockets-origins", pages.allowed.URL,
		},
	})
	t.Run("mosquitto over TLS", func(t *testing.T) { testMosquittoTLS(t, c) })
	t.Run("mosquitto over a Unix socket", func(t *testing.T) { testMosquittoUnix(t, c) })
	t.Run("openssl", func(t *testing.T) { testOpenSSL(t, c) })
	t.Run("paho-python with a certificate", func(t *testing.T) { testPahoCertificate(t, c, ca) })
	t.Run("node-mqtt over a secure WebSocket", func(t *testing.T) { testNodeMQTTSecureWeb(t, c) })
	t.Run("chromium", func(t *testing.T) { testChromium(t, c, pages) })
}

// A client that trusts the node's certificate reaches it by name and by address, in each version.
func testMosquittoTLS(t *testing.T, c *cluster.Cluster) {
	pub, sub := need(t, "mosquitto_pub"), need(t, "mosquitto_sub")
	for _, host := range []string{"localhost", "127.0.0.1"} {
		for _, version := range []string{"tlsv1.2", "tlsv1.3"} {
			tls := func(n *cluster.Node) []string {
				return []string{"--cafile", n.Certificate, "--tls-version", version, "-h", host, "-p", port(n.MQTTS), "-q", "1"}
			}
			topic := "tls/" + host + "/" + version
			command(t, nil, pub, append(tls(c.Nodes[0]), "-r", "-t", topic, "-m", "hello")...)
			got := command(t, nil, sub, append(tls(c.Nodes[3]), "-C", "1", "-W", "60", "-t", topic)...)
			if got != "hello\n" {
				t.Errorf("%s, %s: got %q", host, version, got)
			}
		}
	}
}

func testMosquittoUnix(t *testing.T, c *cluster.Cluster) {
	pub, sub := need(t, "mosquitto_pub"), need(t, "mosquitto_sub")
	command(t, nil, pub, "--unix", c.Nodes[1].UnixSocket, "-q", "1", "-r", "-t", "unix", "-m", "hello")
	if got := command(t, nil, sub, "--unix", c.Nodes[2].UnixSocket, "-C", "1", "-W", "60", "-t", "unix"); got != "hello\n" {
		t.Errorf("got %q", got)
	}
}

func testOpenSSL(t *testing.T, c *cluster.Cluster) {
	n := c.Nodes[0]
	out := command(t, nil, need(t, "openssl"), "s_client", "-connect", n.MQTTS, "-CAfile", n.Certificate,
		"-verify_return_error", "-x509_strict", "-verify_hostname", "foxmq.local")
	if !strings.Contains(out, "Verify return code: 0 (ok)") {
		t.Errorf("got %s", out)
	}
}

// A certificate makes its holder alice without a password; a client without one is not, and that of a stranger is refused.
func testPahoCertificate(t *testing.T, c *cluster.Cluster, ca *authority) {
	needPaho(t)
	n := c.Nodes[0]
	stranger := newAuthority(t, t.TempDir())
	args := []string{"testdata/paho_certificate.py", port(n.MQTTS), n.Certificate, ca.issue("alice"), stranger.issue("alice")}
	if out := command(t, []string{"PYTHONDONTWRITEBYTECODE=1"}, debianPython, args...); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("got %q", out)
	}
}

func testNodeMQTTSecureWeb(t *testing.T, c *cluster.Cluster) {
	var trusted []byte
	for _, n := range c.Nodes {
		data, err := os.ReadFile(n.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		trusted = append(trusted, data...)
	}
	file := filepath.Join(t.TempDir(), "nodes.pem")
	if err := os.WriteFile(file, trusted, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NODE_EXTRA_CA_CERTS", file)
	runNodeMQTT(t, c, func(n *cluster.Node) string { return "wss://localhost:" + port(n.SecureWebSockets) + "/mqtt" })
}

// authority signs certificates of clients. Its own is ca.pem in its directory.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = a.sign("ca", a.cert, nil)
	return a
}

// issue returns the path, without .pem and .key, of a certificate with that common name.
func (a *authority) issue(name string) string {
	a.t.Helper()
	a.sign(name, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.key)
	return filepath.Join(a.dir, name)
}

// sign writes a certificate and its new key; without a signer it is self-signed.
func (a *authority) sign(file string, template *x509.Certificate, signer *ecdsa.PrivateKey) *ecdsa.PrivateKey {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "EC PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(a.dir, file+name), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return key
}

// A node whose listeners are behind a proxy knows its clients by what the proxy says, and no others.
func TestBehindAProxy(t *testing.T) {
	c := cluster.Start(t, 1, "--proxy-protocol", "--trusted-proxies", "127.0.0.0/8,::1")
	for _, header := range []string{
		"PROXY TCP4 192.0.2.7 192.0.2.8 4711 1883\r\n",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x08\x12\x67\x07\x5b",
	} {
		a := relay(t, c.Nodes[0].MQTT, header)
		command(t, nil, need(t, "mosquitto_pub"), "-p", port(a), "-q", "1", "-t", "proxied", "-m", "hello")
	}
	conn, err := net.Dial("tcp", c.Nodes[0].MQTT)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(cluster.Patience))
	_, _ = conn.Write([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("without a header: %d bytes, %v", n, err)
	}
}

// Where no proxy is named, everybody's word is believed. The log says so at the start, and else not.
func TestNoProxyNamed(t *testing.T) {
	for _, flags := range [][]string{
		{"--proxy-protocol"},
		{"--proxy-protocol", "--trusted-proxies", "127.0.0.1"},
	} {
		c := cluster.Start(t, 1, flags...)
		warned := strings.Contains(strings.Join(c.Log(0), "\n"), "the PROXY protocol is believed from anybody")
		if want := len(flags) == 1; warned != want {
			t.Errorf("%v: warned: %v", flags, warned)
		}
	}
}

// relay listens on an address and sends what comes on to another, behind a header.
func relay(t *testing.T, to, header string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			client.Close()
			return
		}
		fmt.Fprint(server, header)
		go join(server, client)
		join(client, server)
	}()
	return l.Addr().String()
}

// A node that listens on [::] serves both families, and one on ::1 that one, among themselves too.
func TestIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip(err)
	} else {
		l.Close()
	}
	c := cluster.New(t, cluster.Config{Nodes: 4, Host: "::1", Doors: true})
	for _, n := range c.Nodes {
		if host, _, _ := net.SplitHostPort(n.MQTT); host != "::1" {
			t.Fatalf("a node listens on %s", n.MQTT)
		}
	}
	command(t, nil, need(t, "mosquitto_pub"), "-h", "::1", "-p", port(c.Nodes[0].MQTT), "-q", "1", "-r", "-t", "six", "-m", "hello")
	n := c.Nodes[3]
	args := []string{"-h", "::1", "-p", port(n.MQTTS), "--cafile", n.Certificate, "-C", "1", "-W", "60", "-t", "six"}
	if got := command(t, nil, need(t, "mosquitto_sub"), args...); got != "hello\n" {
		t.Errorf("got %q", got)
	}
}
