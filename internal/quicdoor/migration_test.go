package quicdoor

import (
	"context"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// A NAT gives the client another address, of which the client knows nothing. The connection goes on.
func TestTheClientsAddressChanges(t *testing.T) {
	d := serve(t, Config{})
	r := newRelay(t, d.Addr())
	client, conn := d.open(t, dialAt(t, r.addr(), d.client, nil))
	for range 3 {
		outer := r.rebind(t).String()
		for deadline := time.Now().Add(patience); conn.RemoteAddr().String() != outer; {
			converse(t, client, conn)
			if time.Now().After(deadline) {
				t.Fatalf("the client is at %s, and the server thinks at %s", outer, conn.RemoteAddr())
			}
		}
		converse(t, client, conn)
	}
}

// newTransport returns a transport of the client's, whose connections can move between sockets.
func newTransport(t testing.TB) *quic.Transport {
	t.Helper()
	transport := &quic.Transport{Conn: loopback(t)}
	t.Cleanup(func() { _ = transport.Close(); transport.Conn.Close() })
	return transport
}

// The client goes over to another socket, as a phone does that leaves the house.
func TestTheClientMigrates(t *testing.T) {
	d := serve(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	home, abroad := newTransport(t), newTransport(t)
	client, err := home.Dial(ctx, d.Addr(), d.client, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, conn := d.open(t, client)
	path, err := client.AddPath(abroad)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.Probe(ctx); err != nil {
		t.Fatal(err)
	}
	if err := path.Switch(); err != nil {
		t.Fatal(err)
	}
	converse(t, stream, conn)
	if got, want := conn.RemoteAddr().String(), abroad.Conn.LocalAddr().String(); got != want {
		t.Errorf("the client is at %s, and the server thinks at %s", want, got)
	}
}
