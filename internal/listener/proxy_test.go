package listener

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// header makes a header of version 2 with what the version of the test's writer knows.
func header(t *testing.T, command proxyproto.ProtocolVersionAndCommand, source, destination string) string {
	t.Helper()
	h := &proxyproto.Header{
		Version: 2, Command: command, TransportProtocol: proxyproto.TCPv4,
		SourceAddr:      net.TCPAddrFromAddrPort(netip.MustParseAddrPort(source)),
		DestinationAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(destination)),
	}
	if strings.HasPrefix(source, "[") {
		h.TransportProtocol = proxyproto.TCPv6
	}
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What is behind a header reaches whoever reads, whole, and the address is the client's.
func TestProxyHeaders(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, test := range map[string]struct{ header, want string }{
		"version 1":          {"PROXY TCP4 192.0.2.7 192.0.2.8 4711 1883\r\n", "192.0.2.7:4711"},
		"version 1, IPv6":    {"PROXY TCP6 2001:db8::7 2001:db8::8 4711 1883\r\n", "[2001:db8::7]:4711"},
		"version 1, unknown": {"PROXY UNKNOWN\r\n", ""},
		"version 2":          {header(t, proxyproto.PROXY, "192.0.2.7:4711", "192.0.2.8:1883"), "192.0.2.7:4711"},
		"version 2, IPv6":    {header(t, proxyproto.PROXY, "[2001:db8::7]:4711", "[2001:db8::8]:1883"), "[2001:db8::7]:4711"},
		"version 2, local":   {header(t, proxyproto.LOCAL, "192.0.2.7:4711", "192.0.2.8:1883"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := Proxy(listenTCP(t, "127.0.0.1"), ProxyConfig{Timeout: patience})
			defer l.Close()
			client := dial(t, l.Addr())
			if _, err := io.WriteString(client, test.header+long); err != nil {
				t.Fatal(err)
			}
			conn := accept(t, l)
			if test.want == "" {
				test.want = client.LocalAddr().String()
			}
			if got := conn.RemoteAddr().String(); got != test.want {
				t.Errorf("the client is %s, want %s", got, test.want)
			}
			expect(t, conn, long)
			if _, err := conn.Write([]byte("answer")); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*proxiedConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
				t.Errorf("the client got %q, %v", got, err)
			}
		})
	}
}

// refusals returns a listener and why it has refused what.
func refusals(t *testing.T, config ProxyConfig) (*Proxied, <-chan error) {
	t.Helper()
	refused := make(chan error, 10)
	config.Refused = func(_ net.Conn, why error) { refused <- why }
	l := Proxy(listenTCP(t, "127.0.0.1"), config)
	t.Cleanup(func() { l.Close() })
	return l, refused
}

// closes fails unless the other side says nothing and closes.
func closes(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestNoProxyHeader(t *testing.T) {
	l, refused := refusals(t, ProxyConfig{Timeout: patience})
	for _, bad := range []string{"\x10\x10\x00\x04MQTT", "PROXY TCP4 here there 1 2\r\n", "PROXY " + strings.Repeat("x", 200)} {
		client := dial(t, l.Addr())
		_, _ = io.WriteString(client, bad)
		if <-refused; true {
			closes(t, client)
		}
	}
	if got := l.Stats().Refused; got != 3 {
		t.Errorf("%d refused connections are counted", got)
	}
	l.waiting.Add(4096)
	if client := dial(t, l.Addr()); !errors.Is(<-refused, errCrowded) {
		t.Error("there is room for one more than 4,096")
	} else {
		closes(t, client)
	}
}

// Clients that stall hold up nobody, and nobody waits for them for ever.
func TestStalledProxyHeader(t *testing.T) {
	l, refused := refusals(t, ProxyConfig{Timeout: time.Second})
	stalled := dial(t, l.Addr())
	_, _ = io.WriteString(stalled, "PRO")
	good := dial(t, l.Addr())
	_, _ = io.WriteString(good, "PROXY TCP4 192.0.2.7 192.0.2.8 4711 1883\r\n")
	if got := accept(t, l).RemoteAddr().String(); got != "192.0.2.7:4711" {
		t.Errorf("the client is %s", got)
	}
	if <-refused; true {
		closes(t, stalled)
	}
}

func TestUntrustedProxy(t *testing.T) {
	l, refused := refusals(t, ProxyConfig{Timeout: patience, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	client := dial(t, l.Addr())
	_, _ = io.WriteString(client, "PROXY TCP4 192.0.2.7 192.0.2.8 4711 1883\r\n")
	if err := <-refused; !errors.Is(err, errUntrusted) {
		t.Error(err)
	}
	closes(t, client)
	if got := l.Stats(); got != (ProxyStats{Refused: 1}) {
		t.Errorf("%+v", got)
	}
}

// Close ends what waits for a header, and what waits to be accepted.
func TestCloseEndsWhatWaits(t *testing.T) {
	l, _ := refusals(t, ProxyConfig{Timeout: time.Hour})
	waiting, ready := dial(t, l.Addr()), dial(t, l.Addr())
	_, _ = io.WriteString(ready, "PROXY UNKNOWN\r\n")
	for l.waiting.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	closes(t, waiting)
	closes(t, ready)
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// conversation is a connection on which the other side has said everything already.
type conversation struct {
	net.Conn // nil
	io.Reader
}

func (c conversation) Read(p []byte) (int, error)    { return c.Reader.Read(p) }
func (conversation) RemoteAddr() net.Addr            { return &net.TCPAddr{} }
func (conversation) SetReadDeadline(time.Time) error { return nil }

// Whatever comes, what is behind a header that is taken is not lost, and there is an address.
func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 192.0.2.8 4711 1883\r\nrest"))
	f.Add([]byte("PROXY UNKNOWN ffff::1\r\n\x10"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x01\x00\x02rest"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00rest"))
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, err := readHeader(conversation{Reader: bytes.NewReader(input)})
		if err != nil {
			return
		}
		if conn.RemoteAddr() == nil || conn.RemoteAddr().String() == "" {
			t.Error("no address")
		}
		rest, err := io.ReadAll(conn)
		if err != nil || !bytes.HasSuffix(input, rest) || len(rest) == len(input) {
			t.Errorf("of %q is left %q, %v", input, rest, err)
		}
	})
}
