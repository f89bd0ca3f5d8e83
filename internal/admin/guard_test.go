package admin_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foxmq/foxmq/internal/admin"
)

const token = "a token that is long enough"

// asked is a GET request for a page, after change has had its way with it.
func asked(t *testing.T, url string, change func(*http.Request)) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	change(req)
	return req
}

func TestTokenIsDemanded(t *testing.T) {
	n := &node{}
	n.reason.Store("")
	core, logs := observer.New(zap.WarnLevel)
	cfg := admin.Config{Node: n, Token: token, Logger: zap.New(core), Status: func() any { return 7 }, Bans: fakeBans{}}
	base, stop := serve(t, cfg)
	defer func() { _ = stop() }()
	for _, c := range []struct {
		page, authorization string
		code                int
	}{
		{"/healthz", "", 200},
		{"/readyz", "", 200},
		{"/status", "", 401},
		{"/status", "Bearer", 401},
		{"/status", "Bearer ", 401},
		{"/status", "Bearer " + token[1:], 401},
		{"/status", "Bearer " + token + "x", 401},
		{"/status", "Basic " + token, 401},
		{"/status", token, 401},
		{"/v1/bans", "", 401},
		{"/nothing", "", 401},
		{"//status", "", 401},
		{"/healthz/../status", "", 401},
		{"/status", "Bearer " + token, 200},
		{"/status", "bearer " + token, 200},
		{"/v1/bans", "Bearer " + token, 200},
		{"/nothing", "Bearer " + token, 404},
	} {
		req := asked(t, base+c.page, func(r *http.Request) { r.Header.Set("Authorization", c.authorization) })
		req.Host = "node.example" // who bears the token may call this host as he likes
		code, answer := send(t, req)
		if code != c.code {
			t.Errorf("%s with %q: %d %s", c.page, c.authorization, code, answer)
		}
		if code == 401 && !strings.Contains(answer, `"error"`) {
			t.Errorf("%s with %q: does not say why: %s", c.page, c.authorization, answer)
		}
	}
	if logs.Len() != 1 {
		t.Errorf("logged %v", logs.All())
	}
}

func TestDeniedRequestsAreCounted(t *testing.T) {
	s, err := admin.Listen(admin.Config{Addr: "127.0.0.1:0", Node: &node{}, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(s)
	for range 3 {
		get(t, "http://"+s.Addr().String()+"/status")
	}
	if got := s.Stats(); got.Denied != 3 {
		t.Errorf("counted %+v", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestHostMustBeThisOne is about DNS rebinding: a page whose site's name leads here asks in that name.
func TestHostMustBeThisOne(t *testing.T) {
	n := &node{}
	n.reason.Store("")
	base, stop := serve(t, admin.Config{Node: n})
	defer func() { _ = stop() }()
	for host, code := range map[string]int{
		"127.0.0.1:9883":     200,
		"192.0.2.7":          200,
		"[::1]":              200,
		"[::1]:80":           200,
		"localhost:9883":     200,
		"LocalHost":          200,
		"evil.example":       421,
		"evil.example:9883":  421,
		"localhost.evil":     421,
		"127.0.0.1.evil.com": 421,
	} {
		req := asked(t, base+"/readyz", func(r *http.Request) { r.Host = host })
		if got, answer := send(t, req); got != code {
			t.Errorf("%s: %d %s", host, got, answer)
		}
	}
}

func TestNameThatIsListenedOnIsAHost(t *testing.T) {
	if _, err := net.ResolveTCPAddr("tcp", "localhost:0"); err != nil {
		t.Skip(err)
	}
	n := &node{}
	n.reason.Store("")
	s, err := admin.Listen(admin.Config{Addr: "localhost:0", Node: n})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(s)
	if code, answer := get(t, "http://"+s.Addr().String()+"/readyz"); code != 200 {
		t.Errorf("%d %s", code, answer)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPublicAddressTakesAToken(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.7:0"} {
		if s, err := admin.Listen(admin.Config{Addr: addr, Node: &node{}}); !errors.Is(err, admin.ErrPublic) {
			t.Errorf("%s: %v", addr, err)
			if err == nil {
				_ = s.Close()
			}
		}
	}
	s, err := admin.Listen(admin.Config{Addr: "0.0.0.0:0", Node: &node{}, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
}

// TestConnectionsAreBounded shows that a connection too many waits until another ends.
func TestConnectionsAreBounded(t *testing.T) {
	base, stop := serve(t, admin.Config{Node: &node{}})
	var open []net.Conn
	ask := func() *bufio.Reader {
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return bufio.NewReader(c)
	}
	expectAnswer := func(r *bufio.Reader) {
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("connection %d of %d: %v", len(open), admin.MaxConnections, err)
		}
		_ = resp.Body.Close()
	}
	for range admin.MaxConnections {
		expectAnswer(ask())
	}
	waits := ask()
	last := open[len(open)-1]
	_ = last.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := waits.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection too many: %v", err)
	}
	_ = last.SetReadDeadline(time.Time{})
	_ = open[0].Close()
	expectAnswer(bufio.NewReader(last))
	for _, c := range open {
		_ = c.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
