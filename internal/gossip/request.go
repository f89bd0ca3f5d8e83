package gossip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/quic-go/quic-go"
)

// MaxRequest bounds a request, in bytes.
const MaxRequest = 64 << 10

// maxRefusal bounds the text of a refusal, in bytes.
const maxRefusal = 256

// ErrNotConnected says that there is no connection on which to ask a peer.
var ErrNotConnected = errors.New("peer is not connected")

// errAnswer is wrapped by errors about an answer that is none.
var errAnswer = errors.New("malformed answer")

// RefusedError says that a peer was asked and gives no answer.
type RefusedError struct {
	Text string // why, in the words of the peer, at most 256 bytes of them
}

func (e *RefusedError) Error() string { return fmt.Sprintf("refused by peer: %q", e.Text) }

// The first byte of an answer.
const (
	statusAnswered byte = 0 // the answer follows
	statusRefused  byte = 1 // a text follows that says why
)

// Codes with which one direction of a request stream is broken off; docs/wire.md lists them.
const (
	streamUnwanted quic.StreamErrorCode = 0 // the requester wants no more, or the server needs no more
	streamBroken   quic.StreamErrorCode = 1 // the rest of an answer cannot be had
	streamLate     quic.StreamErrorCode = 2 // no request came in time
)

// Request asks a peer something, in 1 to [MaxRequest] bytes, and returns the answer as soon as it begins. The answer
// ends with io.EOF if it is whole, and with another error if the connection, the peer or the context ends it before.
// The caller closes it; it may do so at any time, and what it has not read is then no longer sent.
//
// The error is [ErrNotConnected] if there is nobody to ask and a [RefusedError] if the peer gives no answer. A peer
// works on few requests at a time: further ones wait here for their turn, for as long as the context allows.
func (t *Transport) Request(ctx context.Context, peer int, request []byte) (io.ReadCloser, error) {
	if len(request) == 0 || len(request) > MaxRequest {
		return nil, fmt.Errorf("request: %w", &frameError{len(request), MaxRequest})
	}
	if !t.isPeer(peer) {
		return nil, ErrNotConnected
	}
	p := t.peers[peer]
	l := p.present()
	if l == nil {
		return nil, ErrNotConnected
	}
	stream, err := l.conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, fmt.Errorf("open request stream: %w", err)
	}
	a := newAnswer(ctx, stream)
	if err = a.ask(request); err != nil {
		a.detach()
		a.cancel()
		if errors.Is(err, errAnswer) {
			p.convict(err)
			l.close(codeMalformed, "malformed answer")
		}
		return nil, err
	}
	return a, nil
}

// answer is what the requester reads of a request stream.
type answer struct {
	stream *quic.Stream
	ended  func() error // of the requester's context
	detach func() bool  // from that context
}

// newAnswer returns the answer that a stream will bring unless the context ends before.
func newAnswer(ctx context.Context, stream *quic.Stream) *answer {
	a := &answer{stream: stream, ended: ctx.Err}
	a.detach = context.AfterFunc(ctx, a.cancel)
	return a
}

// ask says the request and hears whether it is answered.
func (a *answer) ask(request []byte) error {
	frame := append(beginFrame(make([]byte, 0, frameHeader+len(request))), request...)
	if _, err := a.stream.Write(endFrame(frame)); err != nil {
		return a.reason("say request", err)
	}
	if err := a.stream.Close(); err != nil {
		return a.reason("say request", err)
	}
	if err := readStatus(a.stream); err != nil {
		return a.reason("hear answer", err)
	}
	return nil
}

// readStatus reads how an answer begins. Its error is a RefusedError if there is none, and wraps errAnswer if what was
// read is not the beginning of an answer.
func readStatus(r io.Reader) error {
	var status [1]byte
	if _, err := io.ReadFull(r, status[:]); errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: empty", errAnswer)
	} else if err != nil {
		return err
	}
	switch status[0] {
	case statusAnswered:
		return nil
	case statusRefused:
		return readRefusal(r)
	}
	return fmt.Errorf("%w: status %d", errAnswer, status[0])
}

func readRefusal(r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxRefusal+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxRefusal:
		return fmt.Errorf("%w: endless refusal", errAnswer)
	}
	return &RefusedError{strings.ToValidUTF8(string(text), "\uFFFD")}
}

// Read reads on, and blocks while nothing has come.
func (a *answer) Read(b []byte) (int, error) {
	n, err := a.stream.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = a.reason("read answer", err)
	}
	return n, err
}

// Close wants no more of the answer.
func (a *answer) Close() error {
	a.detach()
	a.stream.CancelRead(streamUnwanted)
	return nil
}

// cancel breaks both directions off.
func (a *answer) cancel() {
	a.stream.CancelRead(streamUnwanted)
	a.stream.CancelWrite(streamUnwanted)
}

// reason returns the error of a stream, or rather that of the context if this is why the stream was broken off.
func (a *answer) reason(operation string, err error) error {
	if ended := a.ended(); ended != nil {
		err = ended
	}
	return fmt.Errorf("%s: %w", operation, err)
}
