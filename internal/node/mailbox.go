package node

import (
	"sync"
	"sync/atomic"

	"github.com/foxmq/foxmq/internal/event"
	"go.uber.org/zap"
)

// mailboxSize is how many messages of one peer may wait for the loop.
const mailboxSize = 8

// mailbox holds what a peer sent, verified, and what became of its connection, in order. The peer's goroutines
// fill it, the loop empties it.
type mailbox struct {
	mail      chan mail
	connected bool        // owned by the loop
	dropped   atomic.Bool // messages to the peer were lost, and the driver does not know
	warned    sync.Once   // logs the first bad signature
}

// mail is a message or, without one, news of the connection.
type mail struct {
	message   *event.Message
	connected bool
}

func newMailbox() *mailbox { return &mailbox{mail: make(chan mail, mailboxSize)} }

// Message takes in a message from a peer; while records are fetched, its votes only. It drops events whose signature
// is not their creator's, and blocks while the peer's mailbox is full. The node keeps references to the message.
func (n *Node) Message(from int, m *event.Message) {
	n.hearVotes(from, m.Votes)
	if n.fetching.Load() {
		return
	}
	n.verify(from, m)
	n.deliver(from, mail{message: m}, n.stopped)
}

// verify drops the events of a message that their creators did not sign, and reports whether there were none.
func (n *Node) verify(from int, m *event.Message) bool {
	all := len(m.Events)
	m.Events = n.intake.verified(m.Events)
	if len(m.Events) < all {
		n.peers[from].warned.Do(func() {
			n.cfg.Logger.Warn("peer sends events with bad signatures", zap.Int("member", from))
		})
	}
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
