package abuse

import (
	"bytes"
	"net"

	"github.com/gorilla/websocket"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Attacks through WebSockets.

// web makes a WebSocket handshake, and returns what is below.
func (a *attacker) web() (net.Conn, error) {
	d := websocket.Dialer{
		NetDial:      func(_, to string) (net.Conn, error) { return a.dial(to) },
		Subprotocols: []string{"mqtt"},
	}
	ws, answer, err := d.DialContext(a.ctx, "ws://"+a.WebSockets, nil)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	return ws.NetConn(), nil
}

// hugeFrames sends frames that announce 256 MiB, and in them CONNECT and messages that are nearly as long as they may be.
func hugeFrames(a *attacker) {
	frame := clean().Append([]byte{0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0}, mqtt.V5)
	message := (&mqtt.Publish{Topic: "huge", Payload: make([]byte, bulk)}).Append(nil, mqtt.V5)
	a.crowd(a.size(2, 20), func(int) error {
		conn, err := a.web()
		if err != nil {
			return err
		}
		defer conn.Close()
		go a.linger(conn)
		_, err = conn.Write(frame)
		for err == nil {
			_, err = conn.Write(message)
		}
		return err
	})
}

// tinyFragments logs in and sends one message without an end in fragments of one byte, and of none.
func tinyFragments(a *attacker) {
	fragment := []byte{0x00, 0x81, 0, 0, 0, 0, 0xc0, 0x00, 0x81, 0, 0, 0, 0, 0x00} // PINGREQ
	empty := []byte{0x00, 0x80, 0, 0, 0, 0}
	many := bytes.Repeat(append(bytes.Repeat(empty, 10), fragment...), 1000)
	connect := clean().Append(nil, mqtt.V5)
	a.crowd(a.size(4, 20), func(int) error {
		conn, err := a.web()
		if err != nil {
			return err
		}
		defer conn.Close()
		go a.linger(conn)
		begin := append([]byte{0x02, 0x80 | byte(len(connect)), 0, 0, 0, 0}, connect...)
		for err == nil {
			_, err = conn.Write(begin)
			begin = many
		}
		return err
	})
}
