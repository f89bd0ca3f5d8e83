package e2e

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// TestBansHoldOnAllNodes bans at node 0 whom nodes 1 to 3 then keep out, through the end of all processes, and until the
// ban ends by itself or is lifted, which any node may do.
func TestBansHoldOnAllNodes(t *testing.T) {
	c := cluster.Start(t, 4)
	banAt := func(node int, args ...string) string {
		t.Helper()
		args = append(append([]string{"ban"}, args...), "--admin-addr", c.Nodes[node].Admin)
		out, err := exec.Command(cluster.Binary(t), args...).CombinedOutput()
		if err != nil {
			t.Fatalf("foxmq %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	ban := func(args ...string) { t.Helper(); banAt(0, args...) }

	eve, code := knock(t, c.Nodes[2].MQTT, "127.0.0.1", "eve")
	if code != mqtt.Success {
		t.Fatalf("before the ban: %v", code)
	}
	ban("add", "client", "eve", "--reason", "a test")
	if p, err := eve.next(); !isDisconnect(p, mqtt.AdministrativeAction) {
		t.Fatalf("who is banned gets %+v, %v", p, err)
	}
	if p, err := eve.next(); !errors.Is(err, io.EOF) {
		t.Fatalf("who is banned gets %+v, %v", p, err)
	}
	everywhere := func(id string, want mqtt.ReasonCode) {
		t.Helper()
		for i, node := range c.Nodes {
			if _, code := knock(t, node.MQTT, "127.0.0.1", id); code != want {
				t.Fatalf("%s at node %d: %v, want %v", id, i, code, want)
			}
		}
	}
	everywhere("eve", mqtt.Banned)
	everywhere("alice", mqtt.Success)

	ban("add", "address", "127.0.0.2")
	if _, code := knock(t, c.Nodes[0].MQTT, "127.0.0.2", "bob"); code != silence {
		t.Fatalf("from a banned address: %v", code)
	}
	ban("add", "address", "127.0.0.2", "--for", "1s")
	awaitEntry(t, c.Nodes[3].MQTT, "127.0.0.2", "bob") // nothing but ticks moves the time on

	c.Kill(0, 1, 2, 3)
	for i := range c.Nodes {
		c.Restart(i)
	}
	for i := range c.Nodes {
		c.WaitReady(i)
	}
	everywhere("eve", mqtt.Banned)
	if list := banAt(3, "list"); !madeAtNode0.MatchString(list) {
		t.Errorf("the ban is listed at node 3 as\n%s", list)
	}
	banAt(3, "remove", "client", "eve")
	awaitEntry(t, c.Nodes[1].MQTT, "127.0.0.1", "eve")
}

// madeAtNode0 is the line of the ban in a list: kind, value, until, node and reason.
var madeAtNode0 = regexp.MustCompile(`(?m)^client +eve +lifted +0 +a test$`)

// silence stands for a connection that was closed without a byte.
const silence = mqtt.ReasonCode(0xff)

// caller is a connection that has had its CONNACK.
type caller struct {
	conn   net.Conn
	reader *mqtt.Reader
}

// knock connects from an address of this machine, and tells how CONNECT was answered.
func knock(t *testing.T, to, from, id string) (*caller, mqtt.ReasonCode) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &caller{conn: conn, reader: mqtt.NewReader(bufio.NewReader(conn), mqtt.V5, 1<<20)}
	connect := mqtt.Connect{Version: mqtt.V5, ClientID: id, CleanStart: true}
	_, _ = conn.Write(connect.Append(nil, mqtt.V5)) // the other side may be closed: the answer tells
	p, err := c.next()
	if ack, ok := p.(*mqtt.Connack); ok {
		return c, ack.Code
	}
	if err == nil {
		t.Fatalf("CONNECT is answered by %+v", p)
	}
	return c, silence
}

func (c *caller) next() (mqtt.Packet, error) {
	c.conn.SetReadDeadline(time.Now().Add(cluster.Patience))
	return c.reader.Next()
}

func isDisconnect(p mqtt.Packet, code mqtt.ReasonCode) bool {
	d, ok := p.(*mqtt.Disconnect)
	return ok && d.Code == code
}

// awaitEntry knocks until the client is let in.
func awaitEntry(t *testing.T, to, from, id string) {
	t.Helper()
	kept := []mqtt.ReasonCode{mqtt.Banned, silence}
	for ends := time.Now().Add(cluster.Patience); ; time.Sleep(20 * time.Millisecond) {
		_, code := knock(t, to, from, id)
		if code == mqtt.Success {
			return
		}
		if !slices.Contains(kept, code) || time.Now().After(ends) {
			t.Fatalf("%s from %s is still answered %v", id, from, code)
		}
	}
}
