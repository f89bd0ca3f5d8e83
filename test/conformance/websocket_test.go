package conformance

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// webSocketScripts are about MQTT over WebSocket. In each the other side of a WebSocket is a client over TCP.
var webSocketScripts = []script{
	{
		"a client as any other",
		"4.2.0-1 6.0.0-1 6.0.0-4", "6.0.0-1 6.0.0-4 7.1.1-1",
		inVersions(func(s *stage, v mqtt.Version) {
			sub, tcp := s.subscriber(v, "~/web"), s.publisher(v)
			web, _ := s.joinWeb(mqtt.Connect{Version: v})
			web.auto = true
			web.subscribe(mqtt.Subscription{Filter: "~/tcp", QoS: 2})
			for qos := range byte(3) {
				web.publish("~/web", "x", qos)
				tcp.publish("~/tcp", "y", qos)
			}
			s.receives(sub, `PUBLISH ~/web "x"`, `PUBLISH ~/web "x" q1`, `PUBLISH ~/web "x" q2`)
			s.receives(web, `PUBLISH ~/tcp "y"`, `PUBLISH ~/tcp "y" q1`, `PUBLISH ~/tcp "y" q2`)
		}),
	},
	{"a packet in a text frame ends the connection, with its will", "6.0.0-1", "6.0.0-1", inVersions(func(s *stage, v mqtt.Version) {
		sub := s.subscriber(v, "~")
		web, socket := s.joinWeb(withWill(v))
		socket.frame(websocket.TextMessage, []byte{0xc0, 0})
		web.gets("closed")
		if code := socket.closed(); code != websocket.CloseUnsupportedData {
			s.Errorf("the WebSocket is closed with %d", code)
		}
		sub.expect(`PUBLISH ~ "died"`)
	})},
	{"no text frame before CONNECT either", "6.0.0-1", "6.0.0-1", func(s *stage) {
		web, socket := s.web(mqtt.V5, "mqtt")
		socket.frame(websocket.TextMessage, []byte("hello"))
		web.gets("closed")
	}},
	{
		"packets begin anywhere in frames",
		"6.0.0-2", "6.0.0-2",
		inVersions(func(s *stage, v mqtt.Version) {
			web, socket := s.web(v, "mqtt")
			all := web.own(&mqtt.Connect{Version: v, ClientID: "~", CleanStart: true}).Append(nil, v)
			for id := range uint16(3) {
				m := &mqtt.Publish{Topic: "~", Payload: []byte("x"), QoS: 1, PacketID: id + 1}
				all = web.own(m).Append(all, v)
			}
			for rest := all; len(rest) > 0; {
				n := min(3, len(rest))
				socket.frame(websocket.BinaryMessage, rest[:n])
				socket.frame(websocket.BinaryMessage, nil)
				rest = rest[n:]
			}
			web.gets("CONNACK", "PUBACK", "PUBACK", "PUBACK")
			socket.frame(websocket.BinaryMessage, bytes.Repeat([]byte{0xc0, 0}, 1000))
			for range 1000 {
				web.gets("PINGRESP")
			}
		}),
	},
	{"a packet in many fragments, a ping between them", "6.0.0-2", "6.0.0-2", inVersions(func(s *stage, v mqtt.Version) {
		web, socket := s.joinWeb(mqtt.Connect{Version: v})
		web.subscribe(mqtt.Subscription{Filter: "~", QoS: 0})
		payload := bytes.Repeat([]byte("long"), 5000)
		packet := web.own(&mqtt.Publish{Topic: "~", Payload: payload}).Append(nil, v)
		socket.fragments(packet[:9000], packet[9000:9001], packet[9001:])
		if web.message(); !bytes.Equal(web.last.Payload, payload) {
			s.Error("another message came")
		}
	})},
	{"the subprotocol", "6.0.0-3 6.0.0-4", "6.0.0-3 6.0.0-4", func(s *stage) {
		for _, offers := range [][]string{{"mqtt"}, {"chat", "mqtt"}, {"mqttv3.1", "mqtt"}} {
			web, socket := s.web(mqtt.V311, offers...)
			if got := socket.Subprotocol(); got != "mqtt" {
				s.Errorf("of %v the server takes %q", offers, got)
			}
			web.send(&mqtt.Connect{Version: mqtt.V311, CleanStart: true})
			web.gets("CONNACK")
		}
		for _, offers := range [][]string{nil, {"chat"}, {"MQTT"}} {
			if _, err := s.dialWeb(s.node(), offers); err == nil {
				s.Errorf("a client that offers %v is let in", offers)
			}
		}
	}},
	{"who is taken over hears of it", "3.1.4-3 4.13.2-1", "3.1.4-2", inVersions(func(s *stage, v mqtt.Version) {
		web, socket := s.joinWeb(mqtt.Connect{Version: v, ClientID: "~"})
		s.join(mqtt.Connect{Version: v, ClientID: "~"})
		web.refused("8e")
		if code := socket.closed(); code != websocket.CloseNormalClosure {
			s.Errorf("the WebSocket is closed with %d", code)
		}
	})},
}

// webSocket is a WebSocket of a client as a stream of bytes: each write is a frame.
type webSocket struct {
	*websocket.Conn
	s       *stage
	message io.Reader // the one that is being read

	writing sync.Mutex // held while a message is written: a peer's reader acknowledges

	mu   sync.Mutex
	code int // with which the server has closed; guarded by mu
}

// web opens a WebSocket to the next node and sends nothing. The client offers these subprotocols.
func (s *stage) web(v mqtt.Version, offers ...string) (*peer, *webSocket) {
	s.Helper()
	node := s.node()
	socket, err := s.dialWeb(node, offers)
	if err != nil {
		s.Fatal(err)
	}
	return s.over(socket, node, v, 32<<20), socket
}

// joinWeb is a join over a WebSocket.
func (s *stage) joinWeb(c mqtt.Connect) (*peer, *webSocket) {
	s.Helper()
	if c.CleanStart = true; c.Version == mqtt.V31 && c.ClientID == "" {
		c.ClientID = "~web"
	}
	p, socket := s.web(c.Version, "mqtt")
	p.send(&c)
	p.accepted()
	return p, socket
}

func (s *stage) dialWeb(node int, offers []string) (*webSocket, error) {
	dialer := websocket.Dialer{Subprotocols: offers, HandshakeTimeout: cluster.Patience}
	conn, response, err := dialer.Dial("ws://"+s.cluster.Nodes[node].WebSockets+"/any/path", http.Header{})
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	return &webSocket{Conn: conn, s: s}, nil
}

// Read reads what the server sends, which must be in binary frames [MQTT-6.0.0-1].
func (w *webSocket) Read(p []byte) (int, error) {
	for {
		if w.message == nil {
			kind, message, err := w.NextReader()
			if err != nil {
				w.note(err)
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				w.s.Error("the server sends a frame that is not binary")
			}
			w.message = message
		}
		n, err := w.message.Read(p)
		if err == io.EOF {
			w.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// note keeps the code of a close frame.
func (w *webSocket) note(err error) {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.code = closed.Code
	}
}

// closed returns the code with which the server has closed, once that is known.
func (w *webSocket) closed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.code
}

// Write sends a binary frame.
func (w *webSocket) Write(p []byte) (int, error) {
	w.frame(websocket.BinaryMessage, p)
	return len(p), nil
}

// frame sends a message in one frame. That the other side has closed is not known here; what it says is read.
func (w *webSocket) frame(kind int, p []byte) {
	w.writing.Lock()
	defer w.writing.Unlock()
	_ = w.WriteMessage(kind, p)
}

// fragments sends a binary message in at least as many fragments, with pings between.
func (w *webSocket) fragments(parts ...[]byte) {
	w.writing.Lock()
	defer w.writing.Unlock()
	message, err := w.NextWriter(websocket.BinaryMessage)
	if err != nil {
		w.s.Fatal(err)
	}
	for _, part := range parts {
		_, _ = message.Write(part)
		_ = w.WriteControl(websocket.PingMessage, []byte("?"), time.Now().Add(cluster.Patience))
	}
	_ = message.Close()
}

// SetDeadline makes a net.Conn of it.
func (w *webSocket) SetDeadline(time.Time) error { return nil }

var _ net.Conn = (*webSocket)(nil)
