package quicdoor

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// busy is a machine on which nobody who is given a connection gets a processor before all have come.
type busy struct {
	acceptor
	over chan struct{}
}

func (b *busy) Accept(ctx context.Context) (*quic.Conn, error) {
	conn, err := b.acceptor.Accept(ctx)
	<-b.over
	return conn, err
}

// newBusy returns a listener that runs on such a machine until the test ends.
func newBusy(t *testing.T) (*door, *busy) {
	t.Helper()
	cert := newCertificate(t, "server")
	l, err := Listen("127.0.0.1:0", Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	if err != nil {
		t.Fatal(err)
	}
	l.begin()
	transport := l.transport()
	inner, err := transport.Listen(serverTLS(l.config.TLS), l.config.quic())
	if err != nil {
		t.Fatal(err)
	}
	b := &busy{inner, make(chan struct{})}
	accepting := make(chan error)
	go func() { accepting <- l.accept(b) }()
	halt := sync.OnceFunc(func() {
		_ = l.Close()
		if err := <-accepting; !errors.Is(err, quic.ErrServerClosed) {
			t.Error(err)
		}
		_ = transport.Close()
		l.connectionGroup.Wait()
		l.socket.Close()
	})
	t.Cleanup(halt)
	return &door{l, trust(cert), halt}, b
}

// More clients come at once than quic-go would keep for us, and none is refused.
func TestACrowdIsAcceptedOnABusyMachine(t *testing.T) {
	d, machine := newBusy(t)
	relief := sync.OnceFunc(func() { close(machine.over) })
	t.Cleanup(relief)
	crowd := make([]*quic.Conn, 100)
	for i := range crowd {
		crowd[i] = d.dial(t, nil)
	}
	relief()
	for _, client := range crowd {
		stream, conn := d.open(t, client)
		converse(t, stream, conn)
	}
}

// Who has waited for a connection that never came waits for the next one, so no more wait than there were connections at a
// time.
func TestWhoWaitedInVainWaitsOn(t *testing.T) {
	d := serve(t, Config{})
	stranger := d.client.Clone()
	stranger.NextProtos = []string{"h3"}
	for range 10 {
		if _, err := quic.DialAddr(t.Context(), d.Addr().String(), stranger, nil); err == nil {
			t.Error("another protocol is spoken")
		}
		for deadline := time.Now().Add(patience); d.Stats().Waiting > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("a failed handshake keeps its place")
			}
		}
	}
	if n := d.acceptors.Load(); n != 1 {
		t.Errorf("%d wait", n)
	}
	client, conn := d.pair(t)
	converse(t, client, conn)
}
