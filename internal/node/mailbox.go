package node

import (
	"errors"
	"sync/atomic"

	"github.com/foxmq/foxmq/internal/event"
)

// mailboxSize is how many messages of one peer may wait for the loop.
const mailboxSize = 8

// mailbox holds what a peer sent, verified, and what became of its connection, in order. The peer's goroutines
// fill it, the loop empties it.
type mailbox struct {
	mail      chan mail
	connected bool        // owned by the loop
	dropped   atomic.Bool // messages to the peer were lost, and the driver does not know
	throttle  throttle
	bad       atomic.Uint64 // events and votes of the peer that were refused
}

// mail is a message or, without one, news of the connection.
type mail struct {
	message   *event.Message
	fresh     int // events of the message that had to be verified, and are not too old
	connected bool
}

func newMailbox() *mailbox { return &mailbox{mail: make(chan mail, mailboxSize)} }

// What no correct peer sends: each passes on only what it has verified, and votes for itself alone.
var (
	errForgedEvent = errors.New("an event with a bad signature")
	errForgedVote  = errors.New("a vote that is not its own, or on a round on which there is none, or with a bad signature")
)

// Message takes in a message from a peer; while records are fetched, its votes only. It blocks while the peer's mailbox is
// full, and while the peer has cost too much with what is not new. A message with an event that its creator did not sign,
// or a vote that is not the peer's, is dropped with an error. The node keeps references to the message.
func (n *Node) Message(from int, m *event.Message) error {
	if err := n.hearVotes(from, m.Votes); err != nil {
		return err
	}
	waste, fresh := n.waste(m.Events)
	n.slow(from, waste)
	if n.fetching.Load() {
		return nil
	}
	if !n.verify(from, m) {
		return errForgedEvent
	}
	n.deliver(from, mail{message: m, fresh: fresh}, n.stopped)
	return nil
}

// verify drops the events of a message that their creators did not sign, and reports whether there were none.
func (n *Node) verify(from int, m *event.Message) bool {
	all := len(m.Events)
	m.Events = n.intake.verified(m.Events)
	n.peers[from].bad.Add(uint64(all - len(m.Events)))
	return len(m.Events) == all
}

// Connected says that messages can be sent to the peer from now on.
func (n *Node) Connected(peer int) { n.deliver(peer, mail{connected: true}, n.stopped) }

// Disconnected says that they no longer can.
func (n *Node) Disconnected(peer int) { n.deliver(peer, mail{}, n.stopped) }

// deliver waits until there is room in the mailbox, or gone is closed.
func (n *Node) deliver(from int, m mail, gone <-chan struct{}) {
	select {
	case n.peers[from].mail <- m:
		n.wake()
	case <-gone:
	}
}
