package websocket

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// request is a handshake with more headers.
func request(headers ...string) string {
	return "GET /mqtt HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(headers, "\r\n"), "\r\n")
}

// The headers of a handshake that is right, and the subprotocol.
const (
	upgrade  = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
	protocol = "Sec-WebSocket-Protocol: mqtt"
)

// badHandshakes get an answer from a listener that is not silent.
var badHandshakes = map[string]string{
	"no HTTP":           "\x10\x0c\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\r\n\r\n",
	"plain GET":         request(),
	"POST":              "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	"no host":           "GET / HTTP/1.1\r\n\r\n",
	"expectation":       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
	"long header":       request("X: " + strings.Repeat("x", 64<<10)),
	"no subprotocol":    request(upgrade),
	"other subprotocol": request(upgrade, "Sec-WebSocket-Protocol: chat"),
	"no key":            request("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13", protocol),
	"old version":       request(strings.Replace(upgrade, "13", "8", 1), protocol),
	"other origin":      request(upgrade, protocol, "Origin: https://evil.example"),
}

// say sends a handshake and returns what comes until the connection is closed.
func say(t *testing.T, l net.Listener, handshake string) string {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, handshake); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn) // a reset says that it is closed, too
	return string(answer)
}

func TestASilentListenerAnswersNoBadHandshake(t *testing.T) {
	var silent atomic.Bool
	l := serveTCP(t, Config{Silent: silent.Load, HandshakeTimeout: time.Second, Origins: []string{"https://good.example"}})
	for _, want := range []bool{false, true} {
		silent.Store(want)
		t.Run(map[bool]string{false: "loud", true: "silent"}[want], func(t *testing.T) {
			for name, handshake := range badHandshakes {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					if answer := say(t, l, handshake); (answer == "") != want {
						t.Errorf("answer %q", answer)
					}
				})
			}
		})
	}
	pair(t, l) // who knows how comes in
}
