// Package cluster runs real foxmq processes for the end-to-end tests: a cluster on loopback, whose nodes can be
// killed, and whose logs are shown when a test fails.
package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is how long the tests wait for what has to happen. It is no measure of speed: a machine that is busy
// with something else may need it.
const Patience = 60 * time.Second

// Node is one foxmq process.
type Node struct {
	MQTT       string // address of the MQTT listener
	WebSockets string // address of the listener for MQTT over WebSocket
	Admin      string // address of the admin listener

	// With Config.Doors only.
	MQTTS            string // address of the listener for MQTT over TLS
	SecureWebSockets string // address of the listener for MQTT over WebSocket over TLS
	UnixSocket       string // path
	Certificate      string // file with what the TLS listeners show

	args []string
	log  string // file with the process's output
	cmd  *exec.Cmd
	done chan struct{} // closed when the process is gone
	err  error         // why; valid once done is closed
}

// Cluster is a set of nodes with one address book. It is stopped when the test ends.
type Cluster struct {
	Nodes   []*Node
	Network *Network // between the nodes; nil: it is the loopback itself

	t      testing.TB
	dir    string
	config Config
}

// Config says what cluster to start.
type Config struct {
	Nodes   int
	Behind  bool     // with a Network between the nodes
	Seed    uint64   // what the Network draws from
	Flags   []string // for every node
	Keep    bool     // leaves the directory of a failed test as it is and says where; FOXMQ_KEEP: of any test
	DataDir string   // directory to have the nodes' data directories in; empty: the one of the configuration
	Doors   bool     // with TLS and a Unix socket besides
	Host    string   // address that everything listens on; empty: 127.0.0.1

	Files map[string]string // more files of the configuration, by name
}

// build makes the binary once for all tests of a process, with the flags in FOXMQ_BUILD, such as -race.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "foxmq-bin-")
	if err != nil {
		return "", err
	}
	if err := look(); err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "foxmq")
	args := append([]string{"build", "-o", bin}, strings.Fields(os.Getenv("FOXMQ_BUILD"))...)
	cmd := exec.Command("go", append(args, "github.com/foxmq/foxmq/cmd/foxmq")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

// look opens the directories of the daemon's sources. Go remembers the result of a test until something changes that the test
// was built from or has looked at, and does not know that these run the daemon.
func look() error {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	for _, dir := range []string{"cmd", "internal", "go.sum"} {
		err := filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), dir), func(_ string, _ fs.DirEntry, err error) error {
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Binary returns the path of the foxmq binary under test.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Cleanup removes what Binary built; call it at the end of TestMain.
func Cleanup() {
	if bin, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(bin))
	}
}

// Start starts a cluster of n nodes with anonymous login and waits until all of them are ready. Further flags go
// to every node.
func Start(t testing.TB, n int, flags ...string) *Cluster {
	t.Helper()
	return New(t, Config{Nodes: n, Flags: flags})
}

// StartBehind is Start with a Network between the nodes, which draws from the seed.
func StartBehind(t testing.TB, n int, seed uint64, flags ...string) *Cluster {
	t.Helper()
	return New(t, Config{Nodes: n, Flags: flags, Behind: true, Seed: seed})
}

// New starts a cluster and waits until all of its nodes are ready.
func New(t testing.TB, config Config) *Cluster {
	t.Helper()
	c := &Cluster{t: t, config: config}
	c.makeDir()
	var public, private []int
	if config.Behind {
		c.Network = newNetwork(t, config.Nodes, config.Seed)
		public, private = c.Network.ports()
	} else {
		public = freePorts(t, config.Nodes, "udp")
		private = public
	}
	c.writeAddressBook(public)
	c.writeFiles()
	c.startAll(private)
	return c
}

// makeDir makes the configuration directory.
func (c *Cluster) makeDir() {
	c.t.Helper()
	if !c.config.Keep {
		c.dir = c.t.TempDir()
		return
	}
	dir, err := os.MkdirTemp("", "foxmq-chaos-")
	if err != nil {
		c.t.Fatal(err)
	}
	c.dir = dir
	c.t.Cleanup(func() {
		if c.t.Failed() || os.Getenv("FOXMQ_KEEP") != "" {
			c.t.Logf("data and logs are kept in %s", dir)
		} else {
			_ = os.RemoveAll(dir)
		}
	})
}

// startAll starts a node on each of the UDP ports and waits until all are ready.
func (c *Cluster) startAll(udp []int) {
	c.t.Helper()
	tcp := freePorts(c.t, 3*len(udp), "tcp")
	c.t.Cleanup(c.stop)
	for i := range udp {
		node := &Node{MQTT: c.addr(tcp[3*i]), WebSockets: c.addr(tcp[3*i+1]), Admin: c.addr(tcp[3*i+2])}
		node.log = filepath.Join(c.dir, fmt.Sprintf("node%d.log", i))
		node.args = append([]string{
			"run", c.dir,
			"--secret-key-file", filepath.Join(c.dir, fmt.Sprintf("key_%d.pem", i)),
			"--data-dir", c.DataDir(i),
			"--mqtt-addr", node.MQTT, "--websockets", "--websockets-addr", node.WebSockets,
			"--admin-addr", node.Admin, "--cluster-addr", c.addr(udp[i]),
			"--allow-anonymous-login", "--log", "compact",
		}, c.config.Flags...)
		if c.config.Doors {
			c.addDoors(node, i)
		}
		c.start(node)
		c.Nodes = append(c.Nodes, node)
	}
	for i := range c.Nodes {
		c.WaitReady(i)
	}
}

// addr is where a node listens on a port.
func (c *Cluster) addr(port int) string {
	if c.config.Host == "" {
		return loopback(port)
	}
	return net.JoinHostPort(c.config.Host, strconv.Itoa(port))
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func (c *Cluster) writeAddressBook(ports []int) {
	c.t.Helper()
	args := []string{"address-book", "from-list", "--force", "--output-dir", c.dir}
	for _, p := range ports {
		args = append(args, c.addr(p))
	}
	if out, err := exec.Command(Binary(c.t), args...).CombinedOutput(); err != nil {
		c.t.Fatalf("foxmq address-book: %v\n%s", err, out)
	}
}

func (c *Cluster) start(node *Node) {
	c.t.Helper()
	log, err := os.OpenFile(node.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	node.cmd = exec.Command(Binary(c.t), node.args...)
	node.cmd.Stdout, node.cmd.Stderr = log, log
	node.cmd.SysProcAttr = dieWithParent()
	if err := node.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	done := make(chan struct{})
	node.done = done
	go func() {
		node.err = node.cmd.Wait()
		close(done)
	}()
}

// WaitReady waits until the node says that it is ready.
func (c *Cluster) WaitReady(i int) {
	c.t.Helper()
	c.wait(i, "ready", http.StatusOK)
}

// WaitNotReady waits until the node says that it is not ready, for want of a quorum, say.
func (c *Cluster) WaitNotReady(i int) {
	c.t.Helper()
	c.wait(i, "not ready", http.StatusServiceUnavailable)
}

func (c *Cluster) wait(i int, what string, status int) {
	c.t.Helper()
	node := c.Nodes[i]
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		if got, err := get(ctx, "http://"+node.Admin+"/readyz"); err == nil && got == status {
			return
		}
		select {
		case <-ctx.Done():
			c.t.Fatalf("node %d is not %s after %v", i, what, Patience)
		case <-node.done:
			c.t.Fatalf("node %d ended: %v", i, node.err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// Pid returns the process id of the node.
func (c *Cluster) Pid(i int) int { return c.Nodes[i].cmd.Process.Pid }

// Restart starts a node that has ended again.
func (c *Cluster) Restart(i int) {
	c.t.Helper()
	<-c.Nodes[i].done
	c.start(c.Nodes[i])
}

// stop ends what still runs and shows the logs of a failed test.
func (c *Cluster) stop() {
	for _, node := range c.Nodes {
		_ = node.cmd.Process.Kill()
	}
	for i, node := range c.Nodes {
		<-node.done
		if c.t.Failed() {
			c.t.Logf("log of node %d:\n%s", i, tail(node.log))
		}
	}
}

// tail returns the last 40 lines of a file.
func tail(file string) []byte {
	b, err := os.ReadFile(file)
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.SplitAfter(b, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-40):], nil)
}
