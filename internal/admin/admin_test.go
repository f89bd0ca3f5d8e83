package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/foxmq/foxmq/internal/admin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is ready while its reason is empty.
type node struct{ reason atomic.Value }

func (n *node) Ready() (bool, string) {
	reason := n.reason.Load().(string)
	return reason == "", reason
}

// serve runs a server for the test and returns its base URL and the way to stop it.
func serve(t *testing.T, cfg admin.Config) (base string, stop func() error) {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	s, err := admin.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + s.Addr().String(), start(s)
}

// start runs a server and returns the way to stop it.
func start(s *admin.Server) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestAnswers(t *testing.T) {
	n := &node{}
	n.reason.Store("no quorum")
	base, stop := serve(t, admin.Config{Node: n, Status: func() any { return map[string]int{"index": 7} }})
	expect := func(path string, code int, body string) {
		t.Helper()
		if c, b := get(t, base+path); c != code || b != body {
			t.Errorf("%s: got %d %q, want %d %q", path, c, b, code, body)
		}
	}
	expect("/healthz", 200, "ok\n")
	expect("/readyz", 503, "no quorum\n")
	n.reason.Store("")
	expect("/readyz", 200, "ready\n")
	expect("/status", 200, "{\n  \"index\": 7\n}\n")
	expect("/nothing", 404, "404 page not found\n")
	if err := stop(); err != nil {
		t.Errorf("stopped as asked: %v", err)
	}
}

// TestMetrics shows that a scraper can read the answer, and that it tells of the Go runtime too.
func TestMetrics(t *testing.T) {
	index := prometheus.NewGauge(prometheus.GaugeOpts{Name: "foxmq_index", Help: "A test's."})
	index.Set(7)
	base, stop := serve(t, admin.Config{Node: &node{}, Metrics: index})
	want := "# HELP foxmq_index A test's.\n# TYPE foxmq_index gauge\nfoxmq_index 7\n"
	if err := testutil.ScrapeAndCompare(base+"/metrics", strings.NewReader(want), "foxmq_index"); err != nil {
		t.Error(err)
	}
	_, body := get(t, base+"/metrics")
	for _, name := range []string{"\ngo_goroutines ", "\ngo_memstats_heap_alloc_bytes "} {
		if !strings.Contains(body, name) {
			t.Errorf("no%sin\n%s", name, body)
		}
	}
	http.DefaultClient.CloseIdleConnections() // of testutil
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestStatusThatDoesNotEncode(t *testing.T) {
	base, stop := serve(t, admin.Config{Node: &node{}, Status: func() any { return func() {} }})
	if c, _ := get(t, base+"/status"); c != 500 {
		t.Errorf("got %d, want 500", c)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := admin.Listen(admin.Config{Addr: l.Addr().String(), Node: &node{}}); err == nil {
		t.Error("listened on an address in use")
	}
}

// TestListenerFails shows that Run tells an error that nobody asked for, and leaves nothing behind.
func TestListenerFails(t *testing.T) {
	s, err := admin.Listen(admin.Config{Addr: "127.0.0.1:0", Node: &node{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); err == nil {
		t.Error("served on a closed listener")
	}
}
