package websocket

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/gorilla/websocket"
)

// A trusted proxy is believed, and of what stands before its word just what other trusted proxies have written.
func TestForwardedFor(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	l := New(nil, Config{TrustedProxies: trusted})
	for _, test := range []struct {
		from string
		hops []string
		want string // "": the connection's own address
	}{
		{"192.0.2.1:5", []string{"192.0.2.9"}, ""},
		{"10.0.0.1:5", nil, ""},
		{"10.0.0.1:5", []string{"192.0.2.9"}, "192.0.2.9:0"},
		{"[::ffff:10.0.0.1]:5", []string{"192.0.2.9"}, "192.0.2.9:0"},
		{"10.0.0.1:5", []string{"198.51.100.1, 192.0.2.9"}, "192.0.2.9:0"},
		{"10.0.0.1:5", []string{"198.51.100.1, 192.0.2.9", "10.0.0.2 , 2001:db8::1"}, "192.0.2.9:0"},
		{"10.0.0.1:5", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3:0"},
		{"10.0.0.1:5", []string{"192.0.2.9:4711"}, "192.0.2.9:0"},
		{"[2001:db8::1]:5", []string{"[2001:db9::9]:4711"}, "[2001:db9::9]:0"},
		{"[2001:db8::1]:5", []string{"2001:db9::9"}, "[2001:db9::9]:0"},
		{"10.0.0.1:5", []string{"192.0.2.9, unknown"}, ""},
		{"10.0.0.1:5", []string{"nonsense, 10.0.0.2"}, "10.0.0.2:0"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = test.from
		for _, hop := range test.hops {
			r.Header.Add("X-Forwarded-For", hop)
		}
		got := ""
		if addr := l.clientAddr(r); addr != nil {
			got = addr.String()
		}
		if got != test.want {
			t.Errorf("from %s for %q: %q, want %q", test.from, test.hops, got, test.want)
		}
	}
}

func TestRemoteAddr(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for want, config := range map[string]Config{"192.0.2.9:0": {TrustedProxies: loopback}, "": {}} {
		l := serveTCP(t, config)
		dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
		client, _, err := dialer.Dial("ws://"+l.Addr().String(), http.Header{"X-Forwarded-For": {"192.0.2.9"}})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if want == "" {
			want = client.LocalAddr().String()
		}
		if got := conn.RemoteAddr().String(); got != want {
			t.Errorf("the client is %s, want %s", got, want)
		}
	}
}
