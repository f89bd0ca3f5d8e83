package broker

import (
	"context"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/replica"
)

// Stream is the way into the ordered stream. What was submitted comes back through Broker.Applied: what is for one client in
// the order of submission, while clients take turns, to which the key belongs. A command is encoded before the call returns;
// the caller may reuse it.
type Stream interface {
	// Submit adds a command. It waits while the bound on what waits to be ordered is reached, until ctx ends.
	Submit(ctx context.Context, from fair.Key, cmd replica.Command, token replica.Token) error
	// TrySubmit does the same but fails where Submit would wait.
	TrySubmit(from fair.Key, cmd replica.Command, token replica.Token) error
	// Withdraw takes a CONNECT back if it has not been announced to other nodes yet, and reports whether it could.
	Withdraw(from fair.Key, token replica.Token) bool
}

// State is the replicated state as of what has been applied on this node.
type State interface {
	// Do runs f on the apply goroutine, between two calls of Applied, and returns when it has run. The only error is
	// that the node has stopped.
	Do(f func(*replica.Machine)) error
	// Stalled tells that the stream cannot go on for want of connected nodes, and that what has been applied is where
	// it stands. A node that has only just started, and does not know where the stream stands, is not stalled.
	Stalled() bool
}

// Authorizer knows what clients may do, by user and client id. An anonymous client's user is "". The methods are called for every packet.
type Authorizer interface {
	MayPublish(user, client, topic string) bool
	MaySubscribe(user, client, filter string) bool
}

// everythingAllowed is the Authorizer where none is configured.
type everythingAllowed struct{}

func (everythingAllowed) MayPublish(string, string, string) bool   { return true }
func (everythingAllowed) MaySubscribe(string, string, string) bool { return true }
