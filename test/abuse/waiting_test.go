package abuse

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Attacks by connections that wait.

// idle keeps many clients that say nothing.
func idle(a *attacker) { a.idle(a.size(300, 5000), a.plain) }

func (a *attacker) idle(n int, connect func() (net.Conn, error)) {
	a.crowd(n, func(int) error {
		conn, err := connect()
		if err != nil {
			return err
		}
		g, err := login(conn, clean())
		if err == nil {
			a.linger(g)
		}
		return err
	})
}

// plain connects without TLS.
func (a *attacker) plain() (net.Conn, error) { return a.dial(a.MQTT) }

// secure connects with TLS, and trusts anybody: it is no client to protect.
func (a *attacker) secure() (net.Conn, error) {
	conn, err := a.dial(a.TLS)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if err := secure.HandshakeContext(a.ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// halfOpen begins many a CONNECT and says no more.
func halfOpen(a *attacker) {
	start := clean().Append(nil, mqtt.V5)[:5]
	a.stall(a.size(200, 2000), a.MQTT, start)
}

// stalledTLS begins many a TLS handshake: a record that is not all there.
func stalledTLS(a *attacker) {
	a.stall(a.size(200, 2000), a.TLS, []byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01})
}

// stalledWeb begins many a WebSocket handshake.
func stalledWeb(a *attacker) {
	a.stall(a.size(400, 2000), a.WebSockets, []byte("GET / HTTP/1.1\r\nHost: "+strings.Repeat("a", 100)))
}

// stall opens n connections, and again when the node closes them, that say a few bytes and no more.
func (a *attacker) stall(n int, to string, bytes []byte) {
	a.crowd(n, func(int) error {
		conn, err := a.dial(to)
		if err != nil {
			return err
		}
		if _, err := conn.Write(bytes); err != nil {
			return err
		}
		a.linger(conn)
		return nil
	})
}

// slowLoris sends a PUBLISH one byte at a time, faster than its keep alive, which only whole packets wind up.
func slowLoris(a *attacker) {
	a.crowd(a.size(50, 1000), func(i int) error {
		p := clean()
		p.ClientID, p.KeepAlive = fmt.Sprint("slow-", i), 1
		g, err := a.enter(p)
		if err != nil {
			return err
		}
		go a.linger(g.Conn)
		for _, b := range (&mqtt.Publish{Topic: "slow", Payload: make([]byte, 1000)}).Append(nil, mqtt.V5) {
			if err := g.write([]byte{b}); err != nil {
				return nil
			}
			time.Sleep(time.Duration(a.size(300, 1000)) * time.Millisecond)
		}
		return nil
	})
}
