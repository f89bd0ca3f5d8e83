package gossip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"
)

// explain logs why an incoming connection ended if that was because the other side refused this node's key, for
// then the connection never comes as far as accept.
func (t *Transport) explain(cause error, remote net.Addr) {
	var transport *quic.TransportError
	if errors.As(cause, &transport) && transport.Remote && transport.ErrorCode.IsCryptoError() {
		t.refused.warn(t.log, "dialling peer refuses this node's key", zap.Error(cause),
			zap.Stringer("remote_addr", remote), zap.String("address_book", t.bookHex))
	}
}

// accept greets the connections that peers open, until the context ends or the socket fails.
func (t *Transport) accept(ctx context.Context, listener *quic.Listener) error {
	for {
		conn, err := listener.Accept(ctx)
		if err != nil {
			return err
		}
		t.wg.Go(func() { t.welcome(ctx, conn) })
	}
}

// welcome hears the hello on a connection that a peer opened, answers it, and offers the link to that peer.
func (t *Transport) welcome(ctx context.Context, conn *quic.Conn) {
	p, err := t.identify(conn.ConnectionState().TLS)
	if err != nil { // cannot be: the handshake has checked it
		_ = conn.CloseWithError(codeRefused, "unknown key")
		return
	}
	l, err := p.answer(ctx, conn)
	switch {
	case err == nil:
		p.offer(l)
	case errors.Is(err, errRefused):
		// The answer tells the peer what does not fit. Closing at once could overtake it; so the peer closes.
		t.linger(conn)
		fallthrough
	default:
		p.log.Debug("incoming connection not used", zap.Stringer("remote_addr", conn.RemoteAddr()), zap.Error(err))
		_ = conn.CloseWithError(p.hangUp(err))
	}
}

// answer hears the peer's hello and says this node's.
func (p *peer) answer(ctx context.Context, conn *quic.Conn) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, p.t.cfg.HandshakeTimeout)
	defer cancel()
	stream, err := conn.AcceptStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("accept stream: %w", err)
	}
	p.t.limit(stream)
	theirs, err := readHello(stream)
	if err != nil {
		return nil, fmt.Errorf("hear hello: %w", err)
	}
	if err = writeHello(stream, p.t.hello(theirs.generation)); err != nil {
		return nil, fmt.Errorf("say hello: %w", err)
	}
	if err = p.check(theirs, conn.RemoteAddr()); err != nil {
		return nil, err
	}
	_ = stream.SetDeadline(time.Time{})
	return &link{
		conn: conn, stream: stream, since: time.Now(),
		instance: theirs.instance, generation: theirs.generation, dialler: p.index,
	}, nil
}

// linger waits until the connection is closed by the peer, or for as long as a hello may take.
func (t *Transport) linger(conn *quic.Conn) {
	timer := time.NewTimer(t.cfg.HandshakeTimeout)
	defer timer.Stop()
	select {
	case <-conn.Context().Done():
	case <-timer.C:
	}
}

// limit bounds the time that the hellos on a stream may take.
func (t *Transport) limit(stream *quic.Stream) {
	_ = stream.SetDeadline(time.Now().Add(t.cfg.HandshakeTimeout))
}
