package stealth

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// TestWhoDoesNotComeThroughADoor is refused before MQTT: he is told nothing but what TLS itself says, and is counted.
func TestWhoDoesNotComeThroughADoor(t *testing.T) {
	n := start(t, "--silent-connect-errors")
	upgrade := "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
	hello := connect(func(*mqtt.Connect) {})
	plain := func(n *node, from net.IP) (conn, error) { return n.tcp(from, n.WebSockets) }
	secure := func(n *node, from net.IP) (conn, error) { return n.tls(from, n.SecureWebSockets) }
	for _, k := range []struct {
		dial   func(*node, net.IP) (conn, error)
		says   string
		metric string
	}{
		{plain, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "websocket_refused_connections_total"},
		{secure, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "websocket_refused_connections_total"},
		{plain, upgrade, "websocket_refused_connections_total"},
		{secure, upgrade, "websocket_refused_connections_total"},
		{plain, string(hello) + "\r\n\r\n", "websocket_refused_connections_total"},
		{func(n *node, from net.IP) (conn, error) { return n.tcp(from, n.MQTTS) }, string(hello), "tls_failed_handshakes_total"},
		{func(n *node, from net.IP) (conn, error) { return n.tcp(from, n.SecureWebSockets) }, upgrade, "tls_failed_handshakes_total"},
	} {
		before := n.counter(t, k.metric)
		got, err := n.knock(way{dial: k.dial}, net.IPv4(127, 0, 0, 40), []byte(k.says))
		alert := k.metric == "tls_failed_handshakes_total" && len(got) == 7 && got[0] == 0x15 // RFC 8446, section 5.1
		if err != nil || len(got) > 0 && !alert {
			t.Errorf("%q is answered with %q, %v", k.says, got, err)
		}
		n.await(t, k.metric, before+1)
	}
}

// TestWhoHasNoProxyHeaderIsToldNothing on the listeners that want one.
func TestWhoHasNoProxyHeaderIsToldNothing(t *testing.T) {
	n := start(t, "--proxy-protocol")
	for i, addr := range []string{n.MQTT, n.MQTTS} {
		door := way{dial: func(n *node, from net.IP) (conn, error) { return n.tcp(from, addr) }}
		got, err := n.knock(door, net.IPv4(127, 0, 0, 41), connect(func(*mqtt.Connect) {}))
		if err != nil || len(got) > 0 {
			t.Errorf("answered with % x, %v", got, err)
		}
		n.await(t, "proxy_refused_connections_total", float64(i+1))
	}
}

// await waits until a counter has a value.
func (n *node) await(t *testing.T, metric string, want float64) {
	t.Helper()
	for end := time.Now().Add(cluster.Patience); n.counter(t, metric) < want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s is %v, want %v", metric, n.counter(t, metric), want)
		}
	}
}

// counter asks the node for a metric without labels.
func (n *node) counter(t *testing.T, metric string) float64 {
	t.Helper()
	body, err := n.cluster.Metrics(0)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, fmt.Sprintf("foxmq_%s ", metric)); ok {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatalf("there is no %s", metric)
	return 0
}
