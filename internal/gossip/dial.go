package gossip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"
)

// dial opens a connection to the peer whenever there is none, until the context ends.
//
// Both sides of a pair do so. The lower member is a little faster, so that after a common start or loss the two
// seldom meet half-way; when they do, link.beats decides.
func (p *peer) dial(ctx context.Context) {
	b := backoff{least: p.t.cfg.MinBackoff, most: p.t.cfg.MaxBackoff}
	pause := time.Duration(0)
	if p.index < p.t.cfg.Self {
		b.least = min(2*b.least, b.most)
		pause = b.next()
	}
	for p.await(ctx, pause, &b) {
		if err := p.connect(ctx); err != nil && ctx.Err() == nil {
			p.miss(err, &b)
		}
		pause = max(b.next(), p.shunnedFor())
	}
}

// await returns true after the pause, when there is no link, and false when the context ends. Whenever a link ends,
// it begins a pause anew.
func (p *peer) await(ctx context.Context, pause time.Duration, b *backoff) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case how := <-p.lost:
			b.adjust(how)
			timer.Reset(max(b.next(), p.shunnedFor()))
		case <-timer.C:
			if !p.connected() {
				return true
			}
		}
	}
}

// adjust lets the way in which a link ended decide how soon the next is tried.
func (b *backoff) adjust(how ending) {
	switch how {
	case endedLate:
		b.reset()
	case endedBlamed:
		b.exhaust()
	case endedEarly: // go on as after an attempt that failed
	}
}

// connect opens a connection, says hello and offers the link.
func (p *peer) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.t.cfg.HandshakeTimeout)
	defer cancel()
	all, err := resolve(ctx, p.addr, p.t.quic.Conn.LocalAddr())
	if err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	p.expect(all)
	addr := net.UDPAddrFromAddrPort(all[rand.IntN(len(all))]) // each gets its turn
	conn, err := p.t.quic.Dial(ctx, addr, p.clientTLS(addr), p.t.quicConfig(peerRequests))
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	if p.connected() { // the peer was faster; it has not heard of this connection yet
		return conn.CloseWithError(codeReplaced, "another connection is in use")
	}
	l, err := p.greet(conn)
	if err != nil {
		return err
	}
	p.offer(l)
	return nil
}

// greet says hello on a connection that this node opened.
func (p *peer) greet(conn *quic.Conn) (*link, error) {
	stream, err := conn.OpenStream()
	if err != nil {
		_ = conn.CloseWithError(codeUnresponsive, "no stream")
		return nil, fmt.Errorf("open stream: %w", err)
	}
	p.t.limit(stream)
	mine := p.t.hello(p.nextGeneration())
	if err = writeHello(stream, mine); err != nil {
		_ = conn.CloseWithError(codeUnresponsive, "hello not taken")
		return nil, fmt.Errorf("say hello: %w", err)
	}
	theirs, err := readHello(stream)
	if err == nil {
		err = p.check(theirs, conn.RemoteAddr())
	}
	if err != nil {
		_ = conn.CloseWithError(p.hangUp(err))
		return nil, fmt.Errorf("hear hello: %w", err)
	}
	_ = stream.SetDeadline(time.Time{})
	return &link{
		conn: conn, stream: stream, since: time.Now(),
		instance: theirs.instance, generation: mine.generation, dialler: p.t.cfg.Self,
	}, nil
}

// noCommonProtocol is what an acceptor ends the handshake with that does not know the ALPN name: the TLS alert
// no_application_protocol (RFC 7301 §3.2) as QUIC reports it.
const noCommonProtocol quic.TransportErrorCode = 0x100 + 120

// miss notes that an attempt failed. One that fails because the peer is not up is nothing to speak of; it is logged
// only when the pauses have grown long.
func (p *peer) miss(err error, b *backoff) {
	var transport *quic.TransportError
	switch {
	case errors.Is(err, errRefused):
	case blamed(err):
		b.exhaust()
		p.notices.shunsUs.warn(p.log, "peer keeps this node away", zap.Error(err))
	case errors.As(err, &transport) && transport.Remote && transport.ErrorCode == noCommonProtocol:
		b.exhaust()
		p.notices.differs.warn(p.log, "peer speaks another version", zap.String("version", protocol), zap.Error(err))
	case errors.As(err, &transport) && transport.Remote && transport.ErrorCode.IsCryptoError():
		b.exhaust()
		p.notices.refusesUs.warn(p.log, "peer refuses this node's key", zap.Error(err),
			zap.String("address_book", p.t.bookHex))
	case b.exhausted() && !closedWith(err, codeReplaced):
		p.notices.unreachable.warn(p.log, "peer cannot be reached", zap.Error(err))
	default:
		p.log.Debug("peer not reached", zap.Error(err))
	}
}
