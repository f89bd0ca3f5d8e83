package node_test

import (
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

// FuzzHostilePeer has one member of four say what it likes to another, in messages that can be read: each is taken or is an
// error, and the node stays within its bounds. Where the message has an event or a vote, it is signed first if sign says
// so, as a member with a key can.
func FuzzHostilePeer(f *testing.F) {
	p := newPuppet(f)
	signed := p.event(event.Event{Seq: 1, BirthRound: 1})
	for _, m := range []*event.Message{
		{},
		{Boot: true, Answer: true},
		{Events: []*event.Event{signed}},
		{Votes: []event.Vote{p.vote(64), p.vote(128)}},
		{Want: []event.ID{signed.ID(), {1}}, Tips: []event.Tip{{Creator: 3, Seq: 1, ID: signed.ID()}, {Creator: 0, Seq: 9}}},
	} {
		f.Add(m.Append(nil), true)
		f.Add(m.Append(nil), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, sign bool) {
		m, err := event.DecodeMessage(b, event.Domain{})
		if err != nil {
			return
		}
		if sign {
			p.sign(t, m)
		}
		_ = p.members[0].node.Message(3, m)
		s := p.members[0].node.Status()
		if ready, reason := p.members[0].node.Ready(); !ready {
			t.Fatalf("after %x: %s", b, reason)
		}
		if s.Waiting > 3*waitingLimit || s.Missing > 2*event.MaxMessageIDs {
			t.Errorf("after %x: %+v", b, s)
		}
	})
}

// sign puts the puppet's signature under all that is its own in a message.
func (p *puppet) sign(t *testing.T, m *event.Message) {
	t.Helper()
	for _, e := range m.Events {
		if e.Creator == 3 {
			if err := e.Sign(p.key); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range m.Votes {
		if m.Votes[i].Creator == 3 {
			if err := m.Votes[i].Sign(p.key, event.Domain{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
