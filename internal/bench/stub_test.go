package bench

import (
	"bufio"
	"math"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/mqtt"
)

// stub is a broker that forwards what is published, but for what its fault takes away.
type stub struct {
	fault func(nth int) bool // whether the nth publish, from 1, goes nowhere; nil: none

	mu          sync.Mutex
	published   int                    // guarded by mu
	subscribers map[*stubClient]string // by client its filter; guarded by mu
	group       sync.WaitGroup
}

type stubClient struct {
	conn net.Conn
	mu   sync.Mutex // held while a packet is written
	w    *bufio.Writer
	id   uint16 // of the last publish sent; guarded by mu
}

// startStub returns the address of a stub that lives as long as the test.
func startStub(t *testing.T, fault func(int) bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stub{fault: fault, subscribers: map[*stubClient]string{}}
	s.group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.group.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.group.Wait()
	})
	return l.Addr().String()
}

func (s *stub) serve(conn net.Conn) {
	defer conn.Close()
	c := &stubClient{conn: conn, w: bufio.NewWriter(conn)}
	defer func() {
		s.mu.Lock()
		delete(s.subscribers, c)
		s.mu.Unlock()
	}()
	r := mqtt.NewReader(bufio.NewReader(conn), 0, math.MaxInt)
	for {
		p, err := r.Next()
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *mqtt.Connect:
			c.send(&mqtt.Connack{ReceiveMaximum: math.MaxUint16})
		case *mqtt.Subscribe:
			s.mu.Lock()
			s.subscribers[c] = p.Subscriptions[0].Filter
			s.mu.Unlock()
			c.send(&mqtt.Suback{PacketID: p.PacketID, Codes: []mqtt.ReasonCode{0}})
		case *mqtt.Publish:
			s.forward(p)
			if p.QoS == 1 {
				c.send(&mqtt.Puback{PacketID: p.PacketID})
			}
		}
	}
}

func (s *stub) forward(p *mqtt.Publish) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published++
	if s.fault != nil && s.fault(s.published) {
		return
	}
	for c, filter := range s.subscribers {
		if prefix, all := strings.CutSuffix(filter, "+"); filter == p.Topic || all && strings.HasPrefix(p.Topic, prefix) {
			c.send(&mqtt.Publish{Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, PacketID: c.nextID()})
		}
	}
}

func (c *stubClient) nextID() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id = c.id%math.MaxUint16 + 1
	return c.id
}

func (c *stubClient) send(p mqtt.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.w.Write(p.Append(nil, mqtt.V5))
	c.w.Flush()
}
