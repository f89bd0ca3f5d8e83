package interop

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// process is a program of Mosquitto's that runs on, and what it prints.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	out *bufio.Reader
}

func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	cmd := exec.CommandContext(ctx, need(t, name), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	return &process{t, cmd, bufio.NewReader(out)}
}

// subscriber starts mosquitto_sub on a node and waits until it has subscribed, which a retained message shows.
func subscriber(t *testing.T, c *cluster.Cluster, node int, args ...string) *process {
	t.Helper()
	ready := fmt.Sprintf("ready/%s/%d", t.Name(), node)
	publish(t, c, node, "-r", "-t", ready, "-m", "subscribed")
	args = append([]string{"-V", "mqttv5", "-p", port(c.Nodes[node].MQTT), "-t", ready}, args...)
	p := start(t, "mosquitto_sub", args...)
	for line := ""; !strings.Contains(line, "subscribed"); {
		line = p.line()
	}
	return p
}

func (p *process) line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("%s: got %q, %v", p.cmd, line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *process) prints(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.line(); got != w {
			p.t.Errorf("%s: got %q, want %q", p.cmd, got, w)
		}
	}
}

// publish runs mosquitto_pub with MQTT 5 at QoS 1 on a node.
func publish(t *testing.T, c *cluster.Cluster, node int, args ...string) {
	t.Helper()
	args = append([]string{"-V", "mqttv5", "-q", "1", "-p", port(c.Nodes[node].MQTT)}, args...)
	command(t, nil, need(t, "mosquitto_pub"), args...)
}

func testMosquittoWill(t *testing.T, c *cluster.Cluster) {
	watcher := subscriber(t, c, 1, "-q", "2", "-t", "mosquitto/will")
	victim := subscriber(t, c, 2, "--will-topic", "mosquitto/will", "--will-payload", "gone", "--will-qos", "2")
	if err := victim.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	watcher.prints("gone")
}

// What is retained for a second is gone after two; what is retained for longer says how long it has left.
func testMosquittoExpiry(t *testing.T, c *cluster.Cluster) {
	for topic, seconds := range map[string]string{"brief": "1", "long": "1000"} {
		publish(t, c, 0, "-r", "-t", "mosquitto/expiry/"+topic, "-m", topic, "-D", "publish", "message-expiry-interval", seconds)
	}
	time.Sleep(2 * time.Second)
	publish(t, c, 0, "-r", "-t", "mosquitto/expiry/marker", "-m", "marker")
	sub := subscriber(t, c, 0, "-t", "mosquitto/expiry/+", "-F", "%p %E")
	if got := sub.line(); !strings.HasPrefix(got, "long 99") {
		t.Errorf("got %q, want what is left of 1000 s", got)
	}
	if got := sub.line(); !strings.HasPrefix(got, "marker") {
		t.Errorf("got %q, want the marker", got)
	}
}

// mosquitto_pub defines an alias and uses it.
func testMosquittoAlias(t *testing.T, c *cluster.Cluster) {
	sub := subscriber(t, c, 3, "-t", "mosquitto/alias", "-F", "%t %p")
	publish(t, c, 1, "-t", "mosquitto/alias", "-D", "publish", "topic-alias", "3", "--repeat", "3", "-m", "aliased")
	for range 3 {
		sub.prints("mosquitto/alias aliased")
	}
}

// mosquitto_rr asks on one node, and the answer comes from another.
func testMosquittoRequest(t *testing.T, c *cluster.Cluster) {
	responder := subscriber(t, c, 3, "-q", "1", "-t", "mosquitto/request", "-F", "%p %R %D")
	asker := start(t, "mosquitto_rr", "-V", "mqttv5", "-p", port(c.Nodes[0].MQTT), "-q", "1", "-t", "mosquitto/request",
		"-e", "mosquitto/answer", "-m", "question", "-D", "publish", "correlation-data", "q1")
	responder.prints("question mosquitto/answer q1")
	publish(t, c, 2, "-t", "mosquitto/answer", "-m", "answer", "-D", "publish", "correlation-data", "q1")
	asker.prints("answer")
}

// A session is begun on one node, is sent messages on a second while its client is away, and goes on on a third.
func testMosquittoLasting(t *testing.T, c *cluster.Cluster) {
	for _, version := range []string{"mqttv311", "mqttv5"} {
		topic := "mosquitto/lasting/" + version
		session := []string{"-V", version, "-c", "-i", "lasting-" + version, "-q", "2", "-t", topic}
		if version == "mqttv5" {
			session = append(session, "-x", "600")
		}
		command(t, nil, need(t, "mosquitto_sub"), append(session, "-E", "-p", port(c.Nodes[0].MQTT))...)
		publish(t, c, 1, "-t", topic, "-m", "one")
		publish(t, c, 1, "-q", "2", "-t", topic, "-m", "two")
		start(t, "mosquitto_sub", append(session, "-C", "2", "-p", port(c.Nodes[2].MQTT))...).prints("one", "two")
	}
}

// Of two members on two nodes, one gets each message.
func testMosquittoShared(t *testing.T, c *cluster.Cluster) {
	all := make(chan string, 20)
	for node := range 2 {
		member := subscriber(t, c, node, "-q", "1", "-t", "$share/group/mosquitto/shared")
		go func() {
			for {
				line, err := member.out.ReadString('\n')
				if err != nil {
					return
				}
				all <- line
			}
		}()
	}
	for i := range 10 {
		publish(t, c, 2, "-t", "mosquitto/shared", "-m", fmt.Sprint(i))
	}
	seen := map[string]bool{}
	for range 10 {
		seen[receive(t, all)] = true
	}
	if len(seen) != 10 || len(all) > 0 {
		t.Errorf("of 10 messages %d came, and %d again", len(seen), len(all))
	}
}
