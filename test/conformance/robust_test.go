package conformance

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// TestMalformed sends everything malformed that can be made of the samples, and what is out of place, each on a
// connection of its own, while other clients on the node are served. Each ends its own connection, and MQTT 5 is told
// with which reason code. At the end the node has logged no trouble, and none of its goroutines belongs to a client that
// has gone.
func TestMalformed(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, 1)
	t.Run("packets", func(t *testing.T) {
		for i, sample := range samples {
			t.Run(sample.name+" "+sample.version.String(), func(t *testing.T) {
				t.Parallel()
				play(t, c, stages[0].place, fmt.Sprint("malformed", i), func(s *stage) { s.tryAll(sample.mutate()) })
			})
		}
		t.Run("misplaced", func(t *testing.T) {
			t.Parallel()
			play(t, c, stages[0].place, "misplaced", func(s *stage) { s.tryAll(misplaced()) })
		})
	})
	if t.Failed() {
		return
	}
	time.Sleep(lastWords)
	log, stacks, _ := strings.Cut(c.Dump(0), "SIGQUIT")
	if strings.Contains(stacks, "broker.(*client)") {
		t.Errorf("goroutines of clients are left:\n%s", stacks)
	}
	for _, trouble := range []string{"panic", "WARN", "ERROR", "goroutine "} {
		if strings.Contains(log, trouble) {
			t.Errorf("the log tells of trouble:\n%s", log)
		}
	}
}

// lastWords is longer than the broker waits for its last packets to leave.
const lastWords = 4 * time.Second

// tryAll sends what is malformed, and something well-formed between other clients now and then.
func (s *stage) tryAll(all []broken) {
	sub, pub := s.subscriber(mqtt.V5, "~/alive"), s.publisher(mqtt.V311)
	for i, b := range all {
		s.try(b)
		if i%20 == 0 {
			pub.publish("~/alive", "x", 1)
			sub.expect(`PUBLISH ~/alive "x" q1`)
		}
	}
	sub.ping()
	s.Logf("%d packets", len(all))
}

// try sends something malformed and checks what comes of it.
func (s *stage) try(b broken) {
	p := s.dial(b.version)
	defer p.hangUp()
	if !b.first {
		c := &mqtt.Connect{Version: b.version, CleanStart: true}
		if b.version == mqtt.V31 {
			c.ClientID = "~" // which 3.1 demands
		}
		p.send(c)
		p.accepted()
	}
	p.bytes(b.bytes)
	switch {
	case b.cut:
		if err := p.conn.(*net.TCPConn).CloseWrite(); err != nil {
			s.Errorf("%s: %v", b.what, err)
		}
	case b.want == "served":
		p.send(&mqtt.Pingreq{})
	}
	if got, want := p.verdict(), b.shown(); got != want {
		s.Errorf("%s: % x: %s, want %s", b.what, b.bytes, got, want)
	}
}

// shown is what a client can see of want in its version.
func (b broken) shown() string {
	inConnack := b.first && mqtt3Codes[b.want]
	if b.version == mqtt.V5 || b.want == "served" || inConnack {
		return b.want
	}
	return "closed"
}

// mqtt3Codes are the reason codes that CONNACK of 3.1.1 has too.
var mqtt3Codes = map[string]bool{"84": true, "85": true, "86": true, "87": true, "88": true}

// verdict reads until the connection ends, or is found to be served, and tells what came of it in the words of broken.
func (p *peer) verdict() string {
	for told := mqtt.ReasonCode(0); ; {
		select {
		case packet := <-p.control:
			switch packet := packet.(type) {
			case nil:
				if told.Failed() {
					return hexByte(told)
				}
				return "closed"
			case *mqtt.Disconnect:
				told = packet.Code
			case *mqtt.Connack:
				told = packet.Code
			case *mqtt.Pingresp:
				return "served"
			}
		case <-after():
			return "neither served nor ended"
		}
	}
}
