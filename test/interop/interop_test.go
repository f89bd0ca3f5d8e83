// Package interop tests that clients which others wrote work unchanged against a cluster of four real processes. What
// is tested with which:
//
//	                     mosquitto  paho-python  node-mqtt  paho.golang  paho.mqtt.golang
//	MQTT                 3.1–5      3.1.1, 5     3.1.1, 5   5            3.1.1
//	QoS 2 both ways      yes        yes          yes        yes          yes
//	will                 yes        yes          yes        yes          yes
//	retained             yes        yes          yes        yes          yes
//	shared subscription  yes        yes          yes        yes          yes
//	lasting session      yes        yes          yes        yes          yes
//	message expiry       yes        yes          yes        yes          MQTT 5 only
//	alias to the server  yes        yes          yes        yes          MQTT 5 only
//	alias to the client  asks none  asks none    yes        yes          MQTT 5 only
//	request/response     yes        yes          yes        yes          MQTT 5 only
//	over a WebSocket     cannot     yes          yes        not tested   yes
//	TLS                  yes        certificate  wss        not tested   not tested
//	Unix socket          yes        cannot       cannot     not tested   not tested
//
// A script in Chromium speaks MQTT through WebSockets, secure ones too, where Chromium is installed.
package interop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/test/cluster"
)

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Cleanup()
	os.Exit(code)
}

// All clients share one cluster: they must not disturb each other.
func TestClients(t *testing.T) {
	c := cluster.Start(t, 4)
	for _, client := range []struct {
		name string
		test func(*testing.T, *cluster.Cluster)
	}{
		{"mosquitto", testMosquitto},
		{"mosquitto will", testMosquittoWill},
		{"mosquitto expiry", testMosquittoExpiry},
		{"mosquitto alias", testMosquittoAlias},
		{"mosquitto request", testMosquittoRequest},
		{"mosquitto lasting", testMosquittoLasting},
		{"mosquitto shared", testMosquittoShared},
		{"paho-python", testPahoPython},
		{"paho-python over WebSocket", testPahoPythonWeb},
		{"node-mqtt", testNodeMQTT},
		{"node-mqtt over WebSocket", testNodeMQTTWeb},
		{"paho.golang", testPahoGolang},
		{"paho.golang will", testPahoGolangWill},
		{"paho.golang expiry", testPahoGolangExpiry},
		{"paho.golang alias", testPahoGolangAlias},
		{"paho.golang request", testPahoGolangRequest},
		{"paho.golang lasting", testPahoGolangLasting},
		{"paho.golang shared", testPahoGolangShared},
		{"paho.mqtt.golang", testPahoMQTTGolang},
		{"paho.mqtt.golang shared", testPahoMQTTGolangShared},
		{"paho.mqtt.golang over WebSocket", testPahoMQTTGolangWeb},
		{"heartbeats", testHeartbeats},
		{"bid race", testBidRace},
	} {
		t.Run(client.name, func(t *testing.T) { client.test(t, c) })
	}
}

// need returns the path of a program that the test drives. CI installs all of them; elsewhere the test is left out,
// loudly, if it is not there.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program)
	}
	return path
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("%s is not installed", what)
}

// command returns a program's output; the program must end by itself and without an error.
func command(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*cluster.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func ports(c *cluster.Cluster) []string {
	all := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		all[i] = port(n.MQTT)
	}
	return all
}

// mosquitto_pub on one node, mosquitto_sub on another, in each version and at each QoS. The messages are retained, so
// that the two need not be timed.
func testMosquitto(t *testing.T, c *cluster.Cluster) {
	pub, sub := need(t, "mosquitto_pub"), need(t, "mosquitto_sub")
	for _, version := range []string{"mqttv31", "mqttv311", "mqttv5"} {
		for qos := range 3 {
			topic := fmt.Sprintf("mosquitto/%s/%d", version, qos)
			q := fmt.Sprint(qos)
			command(t, nil, pub, "-V", version, "-p", port(c.Nodes[qos].MQTT), "-q", q, "-r", "-t", topic, "-m", "hello "+q)
			got := command(t, nil, sub, "-V", version, "-p", port(c.Nodes[3].MQTT), "-q", q, "-C", "1", "-W", "60", "-t", topic, "-v")
			if want := topic + " hello " + q + "\n"; got != want {
				t.Errorf("%s qos %d: got %q, want %q", version, qos, got, want)
			}
		}
	}
	testMosquittoOrder(t, c, pub, sub)
}

// Subscribers on all nodes print a burst of 200 lines from one publisher in its order. A retained message tells
// each subscriber, and by its first line the test, that it has subscribed.
func testMosquittoOrder(t *testing.T, c *cluster.Cluster, pub, sub string) {
	const lines = 200
	var want strings.Builder
	for i := range lines {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	defer cancel()
	command(t, nil, pub, "-p", port(c.Nodes[0].MQTT), "-q", "1", "-r", "-t", "mosquitto/ready", "-m", "ready")
	outs := make([]*bufio.Reader, len(c.Nodes))
	for i, p := range ports(c) {
		cmd := exec.CommandContext(ctx, sub, "-V", "mqttv5", "-p", p, "-q", "2", "-C", fmt.Sprint(lines+1),
			"-t", "mosquitto/burst", "-t", "mosquitto/ready")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Wait() })
		outs[i] = bufio.NewReader(out)
		if line, err := outs[i].ReadString('\n'); line != "ready\n" {
			t.Fatalf("node %d: %q, %v", i, line, err)
		}
	}
	cmd := exec.CommandContext(ctx, pub, "-V", "mqttv5", "-p", port(c.Nodes[1].MQTT), "-q", "2", "-t", "mosquitto/burst", "-l")
	cmd.Stdin = strings.NewReader(want.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub -l: %v\n%s", err, out)
	}
	for i, out := range outs {
		if got, err := io.ReadAll(out); err != nil || string(got) != want.String() {
			t.Errorf("node %d: got %q, %v", i, got, err)
		}
	}
}

// debianPython is where Debian's packages are found; another python3 may stand before it in PATH.
const debianPython = "/usr/bin/python3"

func needPaho(t *testing.T) {
	t.Helper()
	if exec.Command(debianPython, "-c", "import paho.mqtt").Run() != nil {
		missing(t, "python3-paho-mqtt")
	}
}

func testPahoPython(t *testing.T, c *cluster.Cluster) {
	for _, script := range []string{"testdata/paho_client.py", "testdata/paho_properties.py"} {
		runPahoPython(t, script, "tcp", ports(c))
	}
}

func testPahoPythonWeb(t *testing.T, c *cluster.Cluster) {
	var web []string
	for _, n := range c.Nodes {
		web = append(web, port(n.WebSockets))
	}
	runPahoPython(t, "testdata/paho_client.py", "websockets", web)
}

func runPahoPython(t *testing.T, script, transport string, ports []string) {
	t.Helper()
	needPaho(t)
	env := []string{"PYTHONDONTWRITEBYTECODE=1", "TRANSPORT=" + transport}
	if out := command(t, env, debianPython, append([]string{script}, ports...)...); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("%s: got %q", script, out)
	}
}

func testNodeMQTT(t *testing.T, c *cluster.Cluster) {
	runNodeMQTT(t, c, func(n *cluster.Node) string { return "mqtt://" + n.MQTT })
}

func testNodeMQTTWeb(t *testing.T, c *cluster.Cluster) {
	runNodeMQTT(t, c, func(n *cluster.Node) string { return "ws://" + n.WebSockets + "/any/path" })
}

func runNodeMQTT(t *testing.T, c *cluster.Cluster, url func(*cluster.Node) string) {
	t.Helper()
	const modules = "/usr/share/nodejs"
	if _, err := os.Stat(filepath.Join(modules, "mqtt")); err != nil {
		missing(t, "node-mqtt")
	}
	args := []string{"testdata/node_client.js"}
	for _, n := range c.Nodes {
		args = append(args, url(n))
	}
	if out := command(t, []string{"NODE_PATH=" + modules}, need(t, "node"), args...); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("got %q", out)
	}
}

func testHeartbeats(t *testing.T, c *cluster.Cluster) {
	needPaho(t)
	out := command(t, nil, debianPython, append([]string{"../../examples/heartbeats.py", "--ports"}, ports(c)...)...)
	if !strings.Contains(out, "swarm/agent-3/alive gone\n") || !strings.Contains(out, "4 watchers saw the same 13 messages") {
		t.Errorf("got %q", out)
	}
}

// The program itself fails if two nodes name different winners.
func testBidRace(t *testing.T, c *cluster.Cluster) {
	needPaho(t)
	out := command(t, nil, debianPython, append([]string{"../../examples/bid_race.py", "--rounds", "5", "--ports"}, ports(c)...)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 || slices.ContainsFunc(lines, func(l string) bool { return !strings.HasSuffix(l, "won, on 4 nodes alike") }) {
		t.Errorf("got %q", out)
	}
}
