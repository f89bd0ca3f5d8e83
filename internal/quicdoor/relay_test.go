package quicdoor

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay stands between one client and a server as a NAT does: the server sees the relay's outer socket, which can be
// changed for another at any time.
type relay struct {
	inner  *net.UDPConn // towards the client
	server *net.UDPAddr
	down   atomic.Int32 // how many of the server's next packets are lost
	up     atomic.Bool  // what the client sends is lost

	mu     sync.Mutex
	outer  *net.UDPConn // towards the server; guarded by mu
	client *net.UDPAddr // guarded by mu
	first  byte         // of the server's first packet; guarded by mu

	pumps sync.WaitGroup
}

func newRelay(t testing.TB, server net.Addr) *relay {
	t.Helper()
	r := &relay{inner: loopback(t), server: server.(*net.UDPAddr)}
	r.rebind(t)
	r.pumps.Go(r.pumpUp)
	t.Cleanup(func() {
		r.inner.Close()
		r.mu.Lock()
		r.outer.Close()
		r.mu.Unlock()
		r.pumps.Wait()
	})
	return r
}

func loopback(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (r *relay) addr() string { return r.inner.LocalAddr().String() }

// rebind changes the address that the server sees, and returns it.
func (r *relay) rebind(t testing.TB) net.Addr {
	t.Helper()
	outer := loopback(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outer != nil {
		r.outer.Close()
	}
	r.outer = outer
	r.pumps.Go(func() { r.pumpDown(outer) })
	return outer.LocalAddr()
}

func (r *relay) pumpUp() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := r.inner.ReadFromUDP(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.client = from
		if !r.up.Load() {
			_, _ = r.outer.WriteToUDP(buf[:n], r.server)
		}
		r.mu.Unlock()
	}
}

func (r *relay) pumpDown(outer *net.UDPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, _, err := outer.ReadFromUDP(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		if r.first == 0 {
			r.first = buf[0]
		}
		if r.down.Add(-1) < 0 {
			_, _ = r.inner.WriteToUDP(buf[:n], r.client)
		}
		r.mu.Unlock()
	}
}

// retried tells whether the server's first packet was a Retry (RFC 9000 §17.2.5).
func (r *relay) retried() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first&0xf0 == 0xf0
}
