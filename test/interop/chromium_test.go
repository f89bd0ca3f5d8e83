package interop

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/foxmq/foxmq/test/cluster"
)

//go:embed testdata/browser.html
var browserPage []byte

// pages are two web sites with the same page, of which the nodes welcome one. The page tells what came of it.
type pages struct {
	allowed, other *httptest.Server
	results        chan string
}

func newPages(t *testing.T) *pages {
	p := &pages{results: make(chan string, 10)}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			result, _ := io.ReadAll(r.Body)
			p.results <- string(result)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(browserPage)
	})
	p.allowed, p.other = httptest.NewServer(serve), httptest.NewServer(serve)
	t.Cleanup(p.allowed.Close)
	t.Cleanup(p.other.Close)
	return p
}

// A script in a browser publishes to itself through a WebSocket, secure or not; one of another web site is not let in.
// Chromium is large, so that CI need not have it.
func testChromium(t *testing.T, c *cluster.Cluster, p *pages) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	n := c.Nodes[0]
	for _, test := range []struct{ site, url, want string }{
		{p.allowed.URL, "ws://" + n.WebSockets, "got hello"},
		{p.allowed.URL, "wss://localhost:" + port(n.SecureWebSockets), "got hello"},
		{p.other.URL, "ws://" + n.WebSockets, "refused"},
	} {
		if got := p.visit(t, chromium, n, test.site+"#"+test.url); got != test.want {
			t.Errorf("%s at %s: %s, want %s", test.site, test.url, got, test.want)
		}
	}
}

// visit opens a page in a browser that trusts the node's key, and returns what it tells.
func (p *pages) visit(t *testing.T, chromium string, n *cluster.Node, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cluster.Patience)
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--ignore-certificate-errors-spki-list="+fingerprint(t, n.Certificate), url)
	cmd.WaitDelay = cluster.Patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	return receive(t, p.results)
}

// fingerprint is how Chromium names a key.
func fingerprint(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// join copies from one connection to the other, and then closes both.
func join(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}
