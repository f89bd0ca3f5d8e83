package conformance

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// TestMalformed sends everything malformed that can be made of the samples, each on a connection of its own, while
// other clients on the node are served. Each ends its own connection, and MQTT 5 is told why. At the end the node has
// logged no trouble, and none of its goroutines belongs to a client that has gone.
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
	})
	if t.Failed() {
		return
	}
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
		p.send(&mqtt.Connect{Version: b.version, CleanStart: true})
		p.accepted()
	}
	p.bytes(b.bytes)
	switch {
	case b.cut:
		if err := p.conn.(*net.TCPConn).CloseWrite(); err != nil {
			s.Errorf("%s: %v", b.what, err)
		}
	case b.tame:
		p.send(&mqtt.Pingreq{}) // which is answered if the server found nothing wrong
	}
	if err := p.verdict(b); err != nil {
		s.Errorf("%s: % x: %v", b.what, b.bytes, err)
	}
}

// verdict reads until the connection ends, or is found to be served.
func (p *peer) verdict(b broken) error {
	for told := mqtt.ReasonCode(0); ; {
		select {
		case packet := <-p.control:
			switch packet := packet.(type) {
			case nil:
				// A malformed CONNECT may be met with silence [MQTT-3.1.4-1].
				if p.version == mqtt.V5 && !told.Failed() && !b.cut && !b.tame && !b.first {
					return errors.New("ended without a reason code")
				}
				return nil
			case *mqtt.Disconnect:
				told = packet.Code
			case *mqtt.Connack:
				if told = packet.Code; !told.Failed() && !b.tame {
					return errors.New("let in")
				}
			case *mqtt.Pingresp:
				if !b.tame {
					return errors.New("served")
				}
				return nil
			default:
				if !b.tame {
					return fmt.Errorf("answered by %s", p.describe(packet))
				}
			}
		case <-after():
			return errors.New("neither served nor ended")
		}
	}
}
