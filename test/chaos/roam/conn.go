package roam

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// Times that a client has patience for.
const (
	dialWithin    = time.Second
	connackWithin = 5 * time.Second
	writeWithin   = 3 * time.Second
	pongWithin    = 4 * time.Second
	pingAfter     = time.Second // without a packet from the node
	answerWithin  = 8 * time.Second
)

// maxPacket is the longest packet that a client takes, in bytes.
const maxPacket = 1 << 20

// link is one connection. It belongs to the goroutine of the client, but for what reads.
type link struct {
	conn    net.Conn
	version mqtt.Version
	in      chan mqtt.Packet // closed at the end
	quit    chan struct{}    // closed to end the reading goroutine
	group   sync.WaitGroup
	heard   time.Time // when something came last
	asked   time.Time // when a PINGREQ without an answer was sent; zero: there is none
}

// open connects and exchanges CONNECT and CONNACK.
func open(addr string, p *mqtt.Connect) (*link, *mqtt.Connack, error) {
	conn, err := net.DialTimeout("tcp", addr, dialWithin)
	if err != nil {
		return nil, nil, err
	}
	l := &link{conn: conn, version: p.Version, in: make(chan mqtt.Packet), quit: make(chan struct{}), heard: time.Now()}
	reader := mqtt.NewReader(bufio.NewReader(conn), p.Version, maxPacket)
	ack, err := l.greet(reader, p)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	l.group.Go(func() { l.read(reader) })
	return l, ack, nil
}

func (l *link) greet(reader *mqtt.Reader, p *mqtt.Connect) (*mqtt.Connack, error) {
	if err := l.send(p); err != nil {
		return nil, err
	}
	l.conn.SetReadDeadline(time.Now().Add(connackWithin))
	answer, err := reader.Next()
	if err != nil {
		return nil, err
	}
	l.conn.SetReadDeadline(time.Time{})
	ack, ok := answer.(*mqtt.Connack)
	if !ok {
		return nil, fmt.Errorf("%s instead of CONNACK", answer.Type())
	}
	return ack, nil
}

// read hands on what comes until the connection ends.
func (l *link) read(reader *mqtt.Reader) {
	defer close(l.in)
	for {
		p, err := reader.Next()
		if err != nil {
			return
		}
		if publish, ok := p.(*mqtt.Publish); ok {
			kept := *publish // since the reader has only one
			p = &kept
		}
		select {
		case l.in <- p:
		case <-l.quit:
			return
		}
	}
}

// send writes a packet.
func (l *link) send(p mqtt.Packet) error {
	l.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	_, err := l.conn.Write(p.Append(nil, l.version))
	return err
}

// close ends the connection.
func (l *link) close() {
	l.conn.Close()
	close(l.quit)
	l.group.Wait()
}

// alive asks after the node if it is silent, and reports whether it answers. A node that is frozen does not.
func (l *link) alive(now time.Time) bool {
	switch {
	case !l.asked.IsZero() && now.Sub(l.asked) > pongWithin:
		return false
	case l.asked.IsZero() && now.Sub(l.heard) > pingAfter:
		l.asked = now
		return l.send(&mqtt.Pingreq{}) == nil
	}
	return true
}

// hear notes that a packet came.
func (l *link) hear() { l.heard, l.asked = time.Now(), time.Time{} }
