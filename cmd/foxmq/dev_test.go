package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// play is what a child process of these tests does: it is a node that is ready at once and stops when it is told
// to; or one that stops by itself.
func play(role string) int {
	args := os.Args[1:]
	value := func(flag string) string { return args[slices.Index(args, flag)+1] }
	fmt.Println("pid", os.Getpid(), strings.Join(args[:2], " "))
	if role == "broken" && strings.HasSuffix(value("--secret-key-file"), "key_1.pem") {
		fmt.Println("cannot")
		return exitFailed
	}
	l, err := net.Listen("tcp", value("--admin-addr"))
	if err != nil {
		fmt.Println(err)
		return exitFailed
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ready") }))
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return exitOK
}

// freePorts returns the first of n free TCP ports in a row.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		free := true
		for p := port; p < port+n && free; p++ {
			_, err := freeTCP(p, "")
			free = err == nil
		}
		if free {
			return port
		}
	}
	t.Fatal("no free ports")
	return 0
}

// notifying is a buffer that calls back when it holds a text for the first time.
type notifying struct {
	mu   sync.Mutex
	b    bytes.Buffer // mu
	text string
	call func()
	once sync.Once
}

func (n *notifying) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.b.Write(b)
	if strings.Contains(n.b.String(), n.text) {
		n.once.Do(n.call)
	}
	return len(b), nil
}

func newTestDev(t *testing.T, role string, out io.Writer, errs io.Writer) *dev {
	t.Helper()
	t.Setenv("TEST_FOXMQ_ROLE", role)
	t.Setenv("TMPDIR", t.TempDir())
	port := freePorts(t, 6)
	return &dev{
		exe: os.Args[0], nodes: 3, mqttPort: port, adminPort: port + 3, clusterPort: 19793, logFormat: "compact",
		out: out, err: errs,
	}
}

// pids returns the processes that said who they are.
func pids(t *testing.T, log string) (all []int) {
	t.Helper()
	for line := range strings.Lines(log) {
		var node, pid int
		if n, _ := fmt.Sscanf(line, "node%d | pid %d", &node, &pid); n == 2 {
			all = append(all, pid)
		}
	}
	return all
}

func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}

func TestDevRunsUntilItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &notifying{text: "Ctrl-C", call: cancel}
	var log bytes.Buffer
	d := newTestDev(t, "node", out, &log)
	if err := d.run(ctx); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	for i := range 3 {
		want := fmt.Sprintf("    127.0.0.1:%d   http://127.0.0.1:%d/readyz\n", d.mqttPort+i, d.adminPort+i)
		if !strings.Contains(out.b.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.b.String())
		}
	}
	nodes := pids(t, log.String())
	if len(nodes) != 3 || slices.ContainsFunc(nodes, alive) {
		t.Errorf("nodes %v, some of them still alive", nodes)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("something is left: %v, %v", left, err)
	}
}

func TestDevStopsAllIfOneStops(t *testing.T) {
	var log bytes.Buffer
	d := newTestDev(t, "broken", io.Discard, &log)
	err := d.run(t.Context())
	if err == nil || err.Error() != "node1 stopped: exit status 1" {
		t.Errorf("run: %v", err)
	}
	if !strings.Contains(log.String(), "node1 | cannot\n") {
		t.Errorf("the log is not forwarded: %q", log.String())
	}
	if slices.ContainsFunc(pids(t, log.String()), alive) {
		t.Error("a node is still alive")
	}
}

func TestDevNamesThePortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	var errs bytes.Buffer
	code := run(t.Context(), []string{"dev", "--port", fmt.Sprint(port)}, stdio{nil, io.Discard, &errs})
	want := fmt.Sprintf("foxmq: error: port %d is not free: ", port)
	if code != exitFailed || !strings.HasPrefix(errs.String(), want) {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	if !strings.Contains(errs.String(), "foxmq: hint: stop what uses it, or choose where the ports begin: ") {
		t.Errorf("no hint: %s", errs.String())
	}
}

func TestAChildHasNoSettingsFromTheEnvironment(t *testing.T) {
	got := childEnvironment([]string{"PATH=/bin", "FOXMQ_MQTT_ADDR=:1", "SECRET_KEY=00", "FOXMQ_LOG=debug", "RUST_LOG="})
	if want := []string{"PATH=/bin", "FOXMQ_LOG=debug", "RUST_LOG="}; !slices.Equal(got, want) {
		t.Errorf("the environment is %q", got)
	}
}

func TestPrefixesStandBeforeWholeLines(t *testing.T) {
	var out bytes.Buffer
	p := &prefixer{out: &out, prefix: "> "}
	long := strings.Repeat("x", maxLine)
	for _, part := range []string{"a", "b\nc\n", "\n", long, "y\nend"} {
		if n, err := p.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
	}
	if got, want := out.String(), "> ab\n> c\n> \n> "+long+"\n> y\n"; got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}
