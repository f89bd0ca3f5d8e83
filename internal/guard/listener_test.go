package guard_test

import (
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/guard"
)

// door is a guarded listener on 127.0.0.1 whose connections lie in a channel.
type door struct {
	net.Listener
	t     *testing.T
	conns chan net.Conn
}

func open(t *testing.T, g *guard.Guard, network, addr string, watched func(net.Conn) bool) *door {
	t.Helper()
	inner, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{g.Listen(inner, watched), t, make(chan net.Conn, 100)}
	go func() {
		defer close(d.conns)
		for {
			c, err := d.Accept()
			if err != nil {
				return
			}
			d.conns <- c
		}
	}()
	t.Cleanup(func() {
		d.Close()
		for c := range d.conns {
			c.Close()
		}
	})
	return d
}

// from connects from an address.
func (d *door) from(ip string) net.Conn {
	d.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	c, err := dialer.Dial("tcp", d.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	return c
}

// accepted returns the server's side of a connection that is let in.
func (d *door) accepted() net.Conn {
	d.t.Helper()
	select {
	case c := <-d.conns:
		return c
	case <-time.After(10 * time.Second):
		d.t.Fatal("nobody is let in")
		return nil
	}
}

// refused waits until the connection is closed without a byte.
func refused(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
		t.Fatalf("got %x, %v", b, err)
	}
}

func TestConnectionsOfAnAddressAreBounded(t *testing.T) {
	g := guard.New(guard.Config{MaxConnections: 2})
	d := open(t, g, "tcp", "127.0.0.1:0", nil)
	d.from("127.0.0.2")
	first := d.accepted()
	d.from("127.0.0.2")
	d.accepted()
	refused(t, d.from("127.0.0.2"))
	d.from("127.0.0.3")
	d.accepted()
	first.Close()
	first.Close() // counts once
	d.from("127.0.0.2")
	d.accepted()
	refused(t, d.from("127.0.0.2"))
	if s := g.Stats(); s.Crowded != 2 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

func TestABannedAddressIsNotLetIn(t *testing.T) {
	g := guard.New(guard.Config{BanAfter: 1, BanTime: time.Hour})
	d := open(t, g, "tcp", "127.0.0.1:0", nil)
	d.from("127.0.0.2")
	d.accepted()
	g.Offend(netip.MustParseAddr("127.0.0.2"))
	refused(t, d.from("127.0.0.2"))
	d.from("127.0.0.3")
	d.accepted()
	if s := g.Stats(); s.Crowded != 0 || s.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

func TestWhoIsNotWatchedComesIn(t *testing.T) {
	g := guard.New(guard.Config{MaxConnections: 1})
	d := open(t, g, "tcp", "127.0.0.1:0", func(c net.Conn) bool { return guard.Address(c) != netip.MustParseAddr("127.0.0.9") })
	for range 3 {
		d.from("127.0.0.9")
		d.accepted()
	}
}

func TestUnixSocketsHaveNoAddress(t *testing.T) {
	g := guard.New(guard.Config{MaxConnections: 1, BanAfter: 1, BanTime: time.Hour})
	d := open(t, g, "unix", filepath.Join(t.TempDir(), "s"), nil)
	for range 3 {
		c, err := net.Dial("unix", d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		d.accepted()
	}
}

func TestAGuardedConnectionIsAsItWas(t *testing.T) {
	d := open(t, guard.New(guard.Config{MaxConnections: 1}), "tcp", "127.0.0.1:0", nil)
	client := d.from("127.0.0.2")
	server := d.accepted()
	if err := server.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	refused(t, client) // that is, it reads the end
	if _, err := client.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := server.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if name := server.(interface{ ClientName() string }).ClientName(); name != "" {
		t.Errorf("proven name %q", name)
	}
}
