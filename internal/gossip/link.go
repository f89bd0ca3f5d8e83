package gossip

import (
	"errors"
	"time"

	"github.com/quic-go/quic-go"
)

// The application error codes with which a connection is closed; docs/wire.md lists them for other
// implementations.
const (
	codeStopping     quic.ApplicationErrorCode = 0 // the node stops
	codeRefused      quic.ApplicationErrorCode = 1 // the hello does not fit: version, address book or member
	codeReplaced     quic.ApplicationErrorCode = 2 // another connection with this peer is the better one
	codeMalformed    quic.ApplicationErrorCode = 3 // a hello, message, request or answer is malformed
	codeUnresponsive quic.ApplicationErrorCode = 4 // no hello in time
	codePenalty      quic.ApplicationErrorCode = 5 // the peer is kept away for a while
	codeLost         quic.ApplicationErrorCode = 6 // the stream ended or broke
	codeMisbehaved   quic.ApplicationErrorCode = 7 // a message is well-formed, and yet none that a correct node sends
)

// link is a connection on which both hellos have been said.
type link struct {
	conn   *quic.Conn
	stream *quic.Stream
	since  time.Time

	instance   uint64 // the peer's
	generation uint64 // of the dialler's hello
	dialler    int    // the member who dialled
}

// beats reports whether l takes the place of the connection old with the same peer. Both ends come to the same
// result, in whatever order they learn of the two:
//
//   - A peer that has restarted knows nothing of its old connections: its new one wins.
//   - A dialler dials only when it has no connection, or has lost it, and raises the generation: the higher wins,
//     though the other end may not have noticed the loss.
//   - Only two that dial each other at once come up with the same generation: the lower member's connection wins.
func (l *link) beats(old *link) bool {
	switch {
	case l.instance != old.instance:
		return true
	case l.generation != old.generation:
		return l.generation > old.generation
	}
	return l.dialler <= old.dialler
}

// close closes the connection and returns when it is closed; closing it again does nothing.
func (l *link) close(code quic.ApplicationErrorCode, reason string) {
	_ = l.conn.CloseWithError(code, reason)
}

// convicted reports whether the error says that this side closed the connection because of what the peer sent.
func convicted(err error) bool {
	var closed *quic.ApplicationError
	return errors.As(err, &closed) && !closed.Remote && closed.ErrorCode == codeMalformed
}

// blamed reports whether the error says that the peer closed the connection because of this node's conduct.
func blamed(err error) bool {
	return closedWith(err, codeMalformed) || closedWith(err, codeMisbehaved) || closedWith(err, codePenalty)
}

// closedWith reports whether the error says that the peer closed the connection with the code.
func closedWith(err error, code quic.ApplicationErrorCode) bool {
	var closed *quic.ApplicationError
	return errors.As(err, &closed) && closed.Remote && closed.ErrorCode == code
}
