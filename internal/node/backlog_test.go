package node

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"io"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// deaf is a Transport that sends nothing.
type deaf struct{}

func (deaf) Send(int, *event.Message) bool { return true }

func (deaf) Request(context.Context, int, []byte) (io.ReadCloser, error) {
	return nil, errors.New("not connected")
}

// laggard returns the loop of a node of which nothing runs, and a round of the weight.
func laggard(t *testing.T, weight int) (*loop, []stage) {
	t.Helper()
	key := newKey(t)
	n, err := New(Config{Keys: []*ecdsa.PublicKey{&key.PublicKey, &newKey(t).PublicKey}, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	l := newLoop(n, deaf{})
	t.Cleanup(func() { l.timer.Stop() })
	heavy := &event.Event{Payload: make([]byte, weight-eventOverhead)}
	return l, []stage{{Round: consensus.Round{Events: []consensus.Ordered{{Event: heavy}}}}}
}

// awake reports whether the loop was told to take a turn.
func awake(l *loop) bool {
	select {
	case <-l.node.wakes:
		return true
	default:
		return false
	}
}

// While the applier lags, what clients submitted waits in the pool, which is bounded; then it goes into events again.
func TestLagHoldsBackPayload(t *testing.T) {
	l, round := laggard(t, softBacklog)
	s := source{l.node}
	mustSubmit(t, l.node.pool, 1)
	if !s.Waiting() {
		t.Fatal("what was submitted does not wait")
	}
	l.node.backlog.put(round)
	if s.Waiting() || len(s.Fill(nil, boot, 1<<20)) > 0 {
		t.Error("payload goes into events while the applier lags")
	}
	awake(l)
	l.node.backlog.done(1)
	if !s.Waiting() || !awake(l) {
		t.Error("nobody was told that the applier lags no longer")
	}
}

// When it lags a lot, peers have to wait, too.
func TestLagHoldsBackPeers(t *testing.T) {
	l, round := laggard(t, hardBacklog)
	box := l.node.peers[1]
	l.node.Connected(1)
	l.node.backlog.put(round)
	if l.hear(); len(box.mail) != 1 {
		t.Error("a peer's message was taken while the applier lags far behind")
	}
	awake(l)
	l.node.backlog.done(1)
	if l.hear(); len(box.mail) != 0 || !awake(l) {
		t.Error("a peer's message waits, and the applier no longer lags far behind")
	}
}
