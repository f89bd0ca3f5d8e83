package node

import (
	"context"
	"io"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// said is a transport that keeps what it is given to send.
type said struct{ messages []*event.Message }

func (s *said) Send(_ int, m *event.Message) bool { s.messages = append(s.messages, m); return true }

func (s *said) Request(context.Context, int, []byte) (io.ReadCloser, error) { return nil, errNothing }

// take returns what was sent since the last time.
func (s *said) take() []*event.Message {
	messages := s.messages
	s.messages = nil
	return messages
}

// TestMute: while a log is read nothing is asked for, and the peers are told that this node observes when it has been.
func TestMute(t *testing.T) {
	n := newTestNode(t, 4, nil)
	out := &said{}
	n.transport = out
	l := newLoop(n, out)
	l.open(1, mail{connected: true}, 1)
	l.act()
	if sent := out.take(); len(sent) != 1 || !sent[0].Boot {
		t.Fatalf("at first %d messages are sent", len(sent))
	}
	e := sealed(t, n, 3)
	e.Creator, e.Seq = 2, 2
	e.Parents = []event.Parent{{Creator: 2, Seq: 1, BirthRound: 2, ID: event.ID{1}}}
	if err := e.Seal(n.cfg.Domain); err != nil {
		t.Fatal(err)
	}
	n.following.Store(true)
	l.open(1, mail{message: &event.Message{Events: []*event.Event{e}}}, 2)
	for now := int64(3); now < 10e9; now += 1e9 {
		l.driver.Tick(now)
		l.act()
	}
	if sent := out.take(); len(sent) > 0 {
		t.Errorf("%d messages are sent while a log is read", len(sent))
	}
	n.listen()
	l.hear()
	l.act()
	boot := false
	for _, m := range out.take() {
		boot = boot || m.Boot
	}
	if !boot {
		t.Error("peers are not told afterwards")
	}
}
