package quicdoor

import (
	"context"

	"github.com/quic-go/quic-go"
)

// acceptor is what accept needs of a quic.Listener.
//
// That keeps 32 connections whose handshake is done and that nobody has accepted yet, and refuses any more
// (CONNECTION_REFUSED). But who waits in Accept is given a connection at once, before he gets a processor, and then it takes
// no place. So no fewer goroutines wait there than handshakes are under way, and when a thousand clients come at once to a
// machine that is busy, none is refused because a goroutine of ours was late. To let only a few make their handshakes at a
// time would do too, but then those who stall would hold up the others.
type acceptor interface {
	Accept(ctx context.Context) (*quic.Conn, error)
	Close() error
}

// accept serves connections until the listener is closed or the socket fails. Those that inner has accepted by then come
// out of it before the error does.
func (l *Listener) accept(inner acceptor) error {
	defer context.AfterFunc(l.quit, func() { _ = inner.Close() })()
	l.inner = inner
	close(l.begun)
	for {
		conn, err := inner.Accept(context.Background())
		if err != nil {
			return err
		}
		l.connectionGroup.Go(func() { l.serve(conn) })
	}
}

// expect sees to it that as many wait for connections as have no stream yet, of which there is one more now. Who has waited
// for one whose handshake failed waits on for the next that comes.
//
// It is called by the goroutine of the quic.Listener alone, which has ended when Accept returns an error.
func (l *Listener) expect(connections int64) {
	if l.acceptors.Load() < connections {
		l.acceptors.Add(1)
		l.connectionGroup.Go(l.acceptOne)
	}
}

// acceptOne serves a connection, any of those that are expected.
func (l *Listener) acceptOne() {
	<-l.begun
	conn, err := l.inner.Accept(context.Background())
	l.acceptors.Add(-1)
	if err == nil {
		l.serve(conn)
	}
}
