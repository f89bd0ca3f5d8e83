package quicdoor

import (
	"context"
	"errors"
	"sync"

	"github.com/quic-go/quic-go"
)

// The error codes with which connections and streams end. QUIC leaves them to the protocol above; these are reason codes
// of MQTT.
const (
	codeNormal        = 0x00
	codeQuotaExceeded = 0x97 // of a stream that is one too many
)

// errCrowded refuses a connection before its handshake.
var errCrowded = errors.New("too many handshakes")

// placeKey is the key of a connection's function that gives its place among the waiting ones back.
type placeKey struct{}

// admit gives a connection that somebody begins to open a place among those that wait for their stream. The context is the
// connection's, and ends with it.
func (l *Listener) admit(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	waiting := l.waiting.Add(1)
	if waiting > int64(l.config.MaxHandshakes) {
		l.waiting.Add(-1)
		l.refused.Add(1)
		return nil, errCrowded
	}
	leave := sync.OnceFunc(func() { l.waiting.Add(-1) })
	context.AfterFunc(ctx, leave)
	l.expect(waiting)
	return context.WithValue(ctx, placeKey{}, leave), nil
}

// serve does for a connection what its stream's user does not, until it ends.
func (l *Listener) serve(conn *quic.Conn) {
	if err := l.handOver(conn); err != nil {
		_ = conn.CloseWithError(codeNormal, "")
		return
	}
	for {
		stream, err := conn.AcceptStream(conn.Context())
		if err != nil {
			return // the connection has ended
		}
		stream.CancelRead(codeQuotaExceeded)
		stream.CancelWrite(codeQuotaExceeded)
		l.refusedStreams.Add(1)
	}
}

// handOver waits for the connection's stream and gives it to Accept.
func (l *Listener) handOver(conn *quic.Conn) error {
	ctx, cancel := context.WithTimeout(conn.Context(), l.config.HandshakeTimeout)
	defer cancel()
	defer context.AfterFunc(l.quit, cancel)()
	stream, err := conn.AcceptStream(ctx)
	if err != nil {
		return err
	}
	c := &Conn{conn: conn, stream: stream}
	if l.config.ClientName != nil {
		c.name = l.config.ClientName(conn.ConnectionState().TLS)
	}
	select {
	case l.accepted <- c:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// giveBack gives the connection's place among the waiting ones back.
func giveBack(conn *quic.Conn) { conn.Context().Value(placeKey{}).(func())() }
