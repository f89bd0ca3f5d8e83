package driver

import (
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// fromAhead returns one event of each of two others, that were born far ahead of whoever is in round 1.
func fromAhead(t *testing.T) *event.Message {
	m := &event.Message{}
	for creator := 2; creator <= 3; creator++ {
		gone := event.Parent{Creator: creator, Seq: 8, BirthRound: 50, ID: event.ID{byte(creator)}}
		m.Events = append(m.Events, makeEvent(t, event.Event{
			Creator: creator, Seq: 9, BirthRound: 50, Time: 1, Parents: []event.Parent{gone},
		}))
	}
	return m
}

// startAtWork starts a node that has something to order, all of whose peers have answered, a second ago.
func startAtWork() *node {
	n := start(4, 0)
	for p := 1; p < 4; p++ {
		n.Connected(p, 1e9)
	}
	n.answerBoot(1e9, nil, 1, 2, 3)
	n.settle()
	n.load.waiting = 1
	return n
}

// What one peer hands out of others shows that they were ahead. They may have lost it since.
func TestEventsOfOthersHoldBackForAWhile(t *testing.T) {
	n := startAtWork()
	n.Receive(1, fromAhead(t), 2e9)
	if n.settle(); len(n.made) > 0 || n.State() != Behind {
		t.Fatalf("it made %d events, and its state is %d", len(n.made), n.State())
	}
	n.Tick(2e9 + patience)
	if n.settle(); len(n.made) != 1 {
		t.Errorf("a second later it made %d events", len(n.made))
	}
	n.Tick(2e9 + lostPatience)
	if n.State() != Lost {
		t.Errorf("if that does not help its state is %d", n.State())
	}
}

// What more than f peers hand out shows how far they are. One that starts again may have lost it.
func TestPeersAheadHoldBack(t *testing.T) {
	n := startAtWork()
	n.Receive(1, fromAhead(t), 2e9)
	n.Receive(2, fromAhead(t), 2e9)
	n.Tick(2e9 + 2*patience)
	if n.settle(); len(n.made) > 0 {
		t.Fatalf("it made %d events", len(n.made))
	}
	n.Receive(2, &event.Message{Boot: true}, 2e9+3*patience)
	if n.settle(); len(n.made) != 1 {
		t.Errorf("when one of two has started again it made %d events", len(n.made))
	}
}
