package websocket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const patience = time.Minute

// serve runs a listener for inner until the test ends.
func serve(t *testing.T, inner net.Listener, config Config) *Listener {
	t.Helper()
	l := New(inner, config)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(t.Context()) }()
	t.Cleanup(func() {
		_ = l.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after the end: %v", err)
		}
	})
	return l
}

func serveTCP(t *testing.T, config Config) *Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, inner, config)
}

// pair returns a client and what the listener accepts of it.
func pair(t *testing.T, l *Listener) (*websocket.Conn, net.Conn) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	client, _, err := dialer.Dial("ws://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); conn.Close() })
	_ = client.SetReadDeadline(time.Now().Add(patience))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	return client, conn
}

func TestSubprotocols(t *testing.T) {
	l := serveTCP(t, Config{})
	for _, test := range []struct {
		path, want string // "" is a refusal
		offers     []string
	}{
		{"/", "mqtt", []string{"mqtt"}},
		{"/mqtt", "mqtt", []string{"mqttv3.1", "mqtt"}},
		{"/a/b?c=d", "mqtt", []string{"chat, mqtt"}},
		{"", "mqttv3.1", []string{"mqttv3.1"}},
		{"/mqtt", "", []string{"MQTT"}},
		{"/mqtt", "", []string{"chat"}},
		{"/mqtt", "", nil},
	} {
		dialer := websocket.Dialer{Subprotocols: test.offers}
		client, response, err := dialer.Dial("ws://"+l.Addr().String()+test.path, nil)
		switch {
		case test.want == "":
			if err == nil || response.StatusCode != http.StatusBadRequest {
				t.Errorf("%v: %v, %v", test.offers, response, err)
			}
			continue
		case err != nil:
			t.Fatalf("%v: %v", test.offers, err)
		case client.Subprotocol() != test.want:
			t.Errorf("%v: the server took %q", test.offers, client.Subprotocol())
		}
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		client.Close()
	}
}

func TestWhoAsksForNoWebSocket(t *testing.T) {
	l := serveTCP(t, Config{})
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405} {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Addr().String()+"/any", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want || !response.Close {
			t.Errorf("%s: %s, and the connection stays: %v", method, response.Status, !response.Close)
		}
	}
}

// TestWhoIsNotUpgradedIsCounted, whatever for; who is, is not.
func TestWhoIsNotUpgradedIsCounted(t *testing.T) {
	l := serveTCP(t, Config{})
	pair(t, l)
	for i, said := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "no HTTP\r\n\r\n"} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, said); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
		want := Stats{Refused: uint64(i + 1)}
		for end := time.Now().Add(patience); l.Stats() != want; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("after %q: %+v, want %+v", said, l.Stats(), want)
			}
		}
	}
}

func TestOrigins(t *testing.T) {
	some := serveTCP(t, Config{Origins: []string{"https://example.org"}})
	all := serveTCP(t, Config{})
	for _, test := range []struct {
		l      *Listener
		origin string
		want   bool
	}{
		{some, "https://example.org", true},
		{some, "https://EXAMPLE.org", true},
		{some, "", true},
		{some, "https://example.org:8080", false},
		{some, "http://example.org", false},
		{all, "http://anything", true},
	} {
		header := http.Header{}
		if test.origin != "" {
			header.Set("Origin", test.origin)
		}
		dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
		client, response, err := dialer.Dial("ws://"+test.l.Addr().String(), header)
		if (err == nil) != test.want || err != nil && response.StatusCode != http.StatusForbidden {
			t.Errorf("%q: %v, %v", test.origin, response, err)
		}
		if err == nil {
			conn, _ := test.l.Accept()
			conn.Close()
			client.Close()
		}
	}
}

func TestOverTLS(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // of a certificate
	defer lender.Close()
	inner, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: lender.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	l := serve(t, inner, Config{})
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}, TLSClientConfig: &tls.Config{RootCAs: roots}}
	client, _, err := dialer.Dial("wss://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	testGoodbye(t, client, conn)
}

// What comes before Close, and nobody has accepted, is closed with it.
func TestCloseWhileNobodyAccepts(t *testing.T) {
	l := serveTCP(t, Config{})
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	client, _, err := dialer.Dial("ws://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = l.Close()
	if _, _, err := client.ReadMessage(); err == nil {
		t.Error("the connection is served")
	}
}

func TestAFailingListenerIsAnError(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := New(inner, Config{})
	inner.Close()
	if err := l.Run(t.Context()); err == nil {
		t.Error("the listener has failed, and Run says nothing")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
}

// pipes is a listener for connections within the process, so that time is the bubble's.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    func()
}

func newPipes() *pipes {
	closed := make(chan struct{})
	return &pipes{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }
func (p *pipes) dial() net.Conn { client, server := net.Pipe(); p.accepted <- server; return client }

// inBubble runs a test with a listener of pipes.
func inBubble(t *testing.T, config Config, test func(t *testing.T, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- New(p, config).Run(ctx) }()
		test(t, p)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestASlowHandshakeEnds(t *testing.T) {
	for _, said := range []string{"", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"} {
		inBubble(t, Config{HandshakeTimeout: 5 * time.Second}, func(t *testing.T, p *pipes) {
			conn, begun := p.dial(), time.Now()
			if _, err := io.WriteString(conn, said); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, conn)
			if took := time.Since(begun); took != 5*time.Second {
				t.Errorf("after %q the connection lasts %v", said, took)
			}
		})
	}
}

func TestHandshakesAreBounded(t *testing.T) {
	if most := New(nil, Config{}).config.MaxHandshakes; most != 4096 {
		t.Errorf("by default %d may wait", most)
	}
	inBubble(t, Config{MaxHandshakes: 2}, func(t *testing.T, p *pipes) {
		first, second := p.dial(), p.dial()
		if _, err := p.dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the third connection: %v", err)
		}
		second.Close()
		synctest.Wait()
		for range 10 { // of those that are done none counts
			conn := p.dial()
			go func() { _, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }()
			if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n") {
				t.Errorf("got %q", answer)
			}
			synctest.Wait()
		}
		first.Close()
	})
}

func TestLongHeadersEnd(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *pipes) {
		conn := p.dial()
		go func() {
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n")
			for i := range 1000 {
				_, _ = fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("x", 100))
			}
		}()
		if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
			t.Errorf("got %q", answer)
		}
		conn.Close()
	})
}
