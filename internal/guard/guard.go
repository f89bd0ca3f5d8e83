package guard

import (
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Config says what a Guard allows.
type Config struct {
	// MaxConnections bounds the open connections of one address; 0: nothing does.
	MaxConnections int
	// BanAfter is how many offences within a minute have an address banned; 0: none have.
	BanAfter int
	// BanTime is how long a ban holds.
	BanTime time.Duration

	Log *zap.Logger      // nil logs nothing
	Now func() time.Time // the clock; nil is the system's
}

// Guard knows the addresses that clients come from.
type Guard struct {
	config Config

	mu       sync.Mutex
	open     map[netip.Prefix]int // connections; guarded by mu
	offences offences             // guarded by mu
	bans     bans                 // guarded by mu
	stats    Stats                // guarded by mu
	lastLine time.Time            // when a ban was logged; guarded by mu
	unlogged int                  // bans since then; guarded by mu
}

// Stats is what a Guard has counted since it was made.
type Stats struct {
	Banned  int    // addresses now
	Bans    uint64 // that were made
	Refused uint64 // connections, for a ban
	Crowded uint64 // connections refused because their address had as many as it may
}

// New returns a guard that has seen nobody yet.
func New(config Config) *Guard {
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Guard{config: config, open: map[netip.Prefix]int{}, bans: bans{until: map[netip.Prefix]time.Time{}}}
}

// owner returns the addresses that count as one with this one; ok is false for who has none, as over a Unix socket.
func owner(from netip.Addr) (p netip.Prefix, ok bool) {
	from = from.Unmap().WithZone("")
	bits := 64
	if from.Is4() {
		bits = 32
	}
	p, err := from.Prefix(bits)
	return p, err == nil && from.IsValid()
}

// Offend notes that from an address came what no honest client sends, and reports whether the address is banned.
func (g *Guard) Offend(from netip.Addr) bool {
	who, ok := owner(from)
	if !ok || g.config.BanAfter == 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.config.Now()
	if g.bans.hold(who, now) {
		return true
	}
	if g.offences.count(who, now) < g.config.BanAfter {
		return false
	}
	g.offences.forget(who)
	g.bans.add(who, now, now.Add(g.config.BanTime))
	g.stats.Bans++
	g.logBan(who, now)
	return true
}

// Banned reports whether an address is banned.
func (g *Guard) Banned(from netip.Addr) bool {
	who, ok := owner(from)
	if !ok || g.config.BanAfter == 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bans.hold(who, g.config.Now())
}

// logInterval is the least time between two lines about bans.
const logInterval = time.Second

// logBan says who is banned, but not all of many. The caller holds mu.
func (g *Guard) logBan(who netip.Prefix, now time.Time) {
	if now.Sub(g.lastLine) < logInterval {
		g.unlogged++
		return
	}
	g.config.Log.Warn("address banned for a while", zap.Stringer("address", who),
		zap.Duration("time", g.config.BanTime), zap.Int("not_logged_before", g.unlogged))
	g.lastLine, g.unlogged = now, 0
}

// Stats returns the counters.
func (g *Guard) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.stats
	s.Banned = g.bans.number(g.config.Now())
	return s
}
