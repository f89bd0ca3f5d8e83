package guard_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foxmq/foxmq/internal/guard"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// watch returns a guard that bans after three offences for ten minutes, and its clock.
func watch(t testing.TB, log *zap.Logger) (*guard.Guard, *clock) {
	t.Helper()
	c := &clock{time.Unix(1_000_000, 0)}
	return guard.New(guard.Config{
		BanAfter: 3, BanTime: 10 * time.Minute, Log: log, Now: func() time.Time { return c.now },
	}), c
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// offend offends n times, and returns what the last one brought.
func offend(g *guard.Guard, from string, n int) (banned bool) {
	for range n {
		banned = g.Offend(ip(from))
	}
	return banned
}

func TestOffencesWithinAMinuteBan(t *testing.T) {
	g, clock := watch(t, nil)
	if offend(g, "192.0.2.1", 2) {
		t.Error("banned after two")
	}
	clock.pass(61 * time.Second)
	if offend(g, "192.0.2.1", 2) || g.Banned(ip("192.0.2.1")) {
		t.Error("banned after two, and two long before")
	}
	if !offend(g, "192.0.2.1", 1) || !g.Banned(ip("192.0.2.1")) || !offend(g, "192.0.2.1", 1) {
		t.Error("not banned after three")
	}
	if g.Banned(ip("192.0.2.2")) {
		t.Error("a neighbour is banned")
	}
	clock.pass(10*time.Minute - 1)
	if !g.Banned(ip("192.0.2.1")) {
		t.Error("the ban ends before its time")
	}
	clock.pass(1)
	if g.Banned(ip("192.0.2.1")) || offend(g, "192.0.2.1", 2) || !offend(g, "192.0.2.1", 1) {
		t.Error("does not begin anew after a ban")
	}
	if s := g.Stats(); s.Bans != 2 || s.Banned != 1 {
		t.Errorf("%+v", s)
	}
}

func TestWhoCountsAsOne(t *testing.T) {
	for _, c := range []struct {
		a, b string
		one  bool
	}{
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.0", false},
		{"2001:db8::1", "2001:db8::ffff:0:0:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		g, _ := watch(t, nil)
		offend(g, c.a, 3)
		if g.Banned(ip(c.b)) != c.one {
			t.Errorf("%s and %s are one: %v", c.a, c.b, !c.one)
		}
	}
}

func TestWhoHasNoAddressIsNeverBanned(t *testing.T) {
	g, _ := watch(t, nil)
	for range 10 {
		if g.Offend(netip.Addr{}) {
			t.Fatal("banned")
		}
	}
}

func TestNobodyIsBannedUnlessAskedFor(t *testing.T) {
	g := guard.New(guard.Config{})
	if offend(g, "192.0.2.1", 100_000) || g.Banned(ip("192.0.2.1")) {
		t.Fatal("banned")
	}
}

// TestAFloodOfAddresses: however many offend, the memory is bounded; who goes on is banned all the same, and who is
// banned stays so.
func TestAFloodOfAddresses(t *testing.T) {
	g, _ := watch(t, nil)
	offend(g, "192.0.2.1", 3)
	flood := func(network byte, offences int) {
		for i := range 1 << 17 {
			a := netip.AddrFrom16([16]byte{0: 0x20, 1: network, 5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)})
			for range offences {
				g.Offend(a)
			}
			if i%10_000 == 0 {
				g.Offend(ip("192.0.2.2"))
			}
		}
	}
	before := heap()
	flood(1, 1)
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("%d bytes more", grown)
	}
	if !g.Banned(ip("192.0.2.1")) || !g.Banned(ip("192.0.2.2")) {
		t.Error("the flood has washed a ban away")
	}
	flood(2, 3)
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("with bans %d bytes more", grown)
	}
	if s := g.Stats(); s.Banned > 1<<16 {
		t.Errorf("%d are banned", s.Banned)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestBansAreLoggedButNotAllOfMany(t *testing.T) {
	core, lines := observer.New(zapcore.InfoLevel)
	g, clock := watch(t, zap.New(core))
	for i := range 100 {
		offend(g, fmt.Sprintf("192.0.2.%d", i), 3)
	}
	clock.pass(2 * time.Second)
	offend(g, "192.0.2.200", 3)
	all := lines.All()
	if len(all) != 2 || all[0].ContextMap()["address"] != "192.0.2.0/32" || all[1].ContextMap()["not_logged_before"] != int64(99) {
		t.Errorf("%+v", all)
	}
}
