package roam

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/chaos/verdict"
)

func TestEveryPayloadTellsWhatItIs(t *testing.T) {
	for _, load := range []Load{{Seed: 1}, {Seed: 2, Size: 60 << 10}} {
		for n := range uint32(2000) {
			want := verdict.Message{Publisher: uint16(n % 9), Number: n * 7}
			payload := load.payload(want)
			if got, err := load.parse(payload); err != nil || got != want {
				t.Fatalf("%s is taken for %s: %v", want, got, err)
			}
			if n%50 > 0 {
				continue
			}
			payload[n%uint32(len(payload))] ^= 4
			if got, err := load.parse(payload); err == nil {
				t.Fatalf("%s is changed, and taken for %s", want, got)
			}
			if got, err := load.parse(load.payload(want)[:len(payload)-1]); err == nil {
				t.Fatalf("%s is cut, and taken for %s", want, got)
			}
		}
	}
}

// stub is a node's end of a connection.
type stub struct {
	t      *testing.T
	reader *mqtt.Reader
}

// connect returns a link, and what its node reads.
func connect(t *testing.T) (*link, *stub) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	node, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		node.Close()
	})
	node.SetReadDeadline(time.Now().Add(time.Minute))
	return &link{conn: client, version: mqtt.V5}, &stub{t, mqtt.NewReader(bufio.NewReader(node), mqtt.V5, maxPacket)}
}

// expect reads packets and compares them.
func (s *stub) expect(want ...string) {
	s.t.Helper()
	for _, w := range want {
		p, err := s.reader.Next()
		if err != nil {
			s.t.Fatal(err)
		}
		got := p.Type().String()
		switch p := p.(type) {
		case *mqtt.Publish:
			got = fmt.Sprintf("PUBLISH %d %.4q dup=%v", p.PacketID, p.Payload, p.Dup)
		case *mqtt.Pubrel:
			got = fmt.Sprintf("PUBREL %d", p.PacketID)
		}
		if !strings.EqualFold(got, w) {
			s.t.Fatalf("got %s, want %s", got, w)
		}
	}
}

func TestSubscriberTellsRepetitionsFromMessages(t *testing.T) {
	l, _ := connect(t)
	s := NewSubscriber(Config{Load: Load{Seed: 1}}, 2)
	s.conns = []verdict.Conn{{}}
	publish := func(number uint32, qos byte, id uint16, dup bool) {
		m := verdict.Message{Publisher: 3, Number: number}
		s.take(l, &mqtt.Publish{Payload: s.cfg.Load.payload(m), QoS: qos, PacketID: id, Dup: dup})
	}
	publish(0, 2, 7, false)
	publish(0, 2, 7, true) // held
	publish(1, 1, 8, false)
	publish(1, 1, 8, true) // at least once
	s.take(l, &mqtt.Pubrel{PacketID: 7})
	publish(0, 2, 7, true) // not held any more
	var got []uint32
	for _, d := range s.History().Got {
		got = append(got, d.Number)
	}
	if want := []uint32{0, 1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
	if all, distinct := s.Count(); all != 4 || distinct != 2 {
		t.Errorf("%d messages, %d different", all, distinct)
	}
	s.take(l, &mqtt.Publish{Payload: []byte("3 5 nonsense"), QoS: 1, PacketID: 9})
	s.take(l, &mqtt.Puback{PacketID: 9})
	if n := len(s.History().Complaints); n != 2 {
		t.Errorf("%d complaints, want 2: %q", n, s.History().Complaints)
	}
}

func TestPublisherGoesOnWithWhatIsNotAnswered(t *testing.T) {
	l, node := connect(t)
	load := Load{Size: 1}
	p := NewPublisher(Config{Load: load}, 0, time.Second)
	p.conns = []verdict.Conn{{}}
	var qos [6]byte
	for n := range qos {
		qos[n] = load.spec(verdict.Message{Number: uint32(n)}).qos
		p.publish(l)
		node.expect(fmt.Sprintf(`PUBLISH %d "0 %d " dup=false`, n+1, n))
	}
	one, two := uint16(slices.Index(qos[:], 1)+1), uint16(slices.Index(qos[:], 2)+1)
	p.take(l, &mqtt.Puback{PacketID: one})
	p.take(l, &mqtt.Pubrec{PacketID: two})
	node.expect(fmt.Sprintf("PUBREL %d", two))

	l, node = connect(t)
	p.conns = append(p.conns, verdict.Conn{Node: 1})
	p.resend(l)
	for id := uint16(1); id <= 6; id++ {
		switch id {
		case one:
		case two:
			node.expect(fmt.Sprintf("PUBREL %d", id))
		default:
			node.expect(fmt.Sprintf(`PUBLISH %d "0 %d " dup=true`, id, id-1))
		}
	}
	p.take(l, &mqtt.Pubcomp{PacketID: two})
	sent := p.History().Sent
	if sent[one-1].Fate != verdict.Acknowledged || sent[two-1].Fate != verdict.Acknowledged || len(p.flying) != 4 {
		t.Errorf("sent %+v, %d are not done with", sent, len(p.flying))
	}
	if s := sent[two-1]; s.Times != 1 || s.Last != 0 {
		t.Errorf("a message that was received was sent again: %+v", s)
	}
	for n, s := range sent {
		if waits := s.Fate == verdict.Unanswered; waits != (s.Times == 2 && s.Last == 1) {
			t.Errorf("message %d: %+v", n, s)
		}
	}
	p.take(l, &mqtt.Puback{PacketID: one})
	if n := len(p.History().Complaints); n != 1 {
		t.Errorf("a second PUBACK for one message makes %d complaints", n)
	}
	p.take(l, &mqtt.Pubrec{PacketID: 6, Code: mqtt.QuotaExceeded})
	p.take(l, &mqtt.Puback{PacketID: 6, Code: mqtt.QuotaExceeded})
	if p.History().Sent[5].Fate != verdict.Refused || p.find(6) != nil {
		t.Error("a refused message is not done with")
	}
}
