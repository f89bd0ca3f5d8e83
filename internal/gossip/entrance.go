package gossip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// errCrowded refuses a connection before its handshake.
var errCrowded = errors.New("too many connections")

// How many connections others may begin: a handshake takes about a millisecond of a core before it is known who the
// other is. When that is used up this node still finds its peers, by dialling them.
const (
	admissionBurst     = 200
	admissionPerSecond = 100
)

// How many connections may come from each member's address when strangers have used up all that, and how many of those
// may be open at a time: the one in use, one that replaces it, and one that the member has given up and this node has not.
const (
	reservedBurst     = 10
	reservedPerSecond = 1
	reservedRoom      = 3
)

// entrance bounds the connections that others have open or try to open. Before its handshake, all that is known of one is
// its address. When half of the room or of the allowance is used up, a new one must first prove that (RFC 9000 §8.1.2), so
// that forged addresses cannot use up the rest. Then whoever comes from a member's address has that member's own room
// besides, of which strangers take nothing, unless they are where the member is.
type entrance struct {
	mu      sync.Mutex
	most    int    // connections in the general room
	general room   // guarded by mu
	own     []room // by member; guarded by mu
}

// room is what is used up of one room.
type room struct {
	taken int // by connections
	spent allowance
}

// enter takes a place for a connection, if there is one.
func (r *room) enter(now time.Time, most int, burst, perSecond float64) bool {
	if r.taken >= most || !r.spent.take(now, burst, perSecond) {
		return false
	}
	r.taken++
	return true
}

// open makes the rooms: the general one has two places for each member, for one connection may be replacing another, and
// more for strangers' handshakes.
func (e *entrance) open(members int) {
	e.most = 64 + 2*members
	e.own = make([]room, members)
}

// crowded reports whether a new connection must prove its address.
func (e *entrance) crowded(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.general.taken > e.most/2 || e.general.spent.reckon(now, admissionPerSecond) > admissionBurst/2
}

// enter takes a place in the general room and returns that, or nil if there is none.
func (e *entrance) enter(now time.Time) *room {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.general.enter(now, e.most, admissionBurst, admissionPerSecond) {
		return nil
	}
	return &e.general
}

// enterOwn does the same in the room of a member.
func (e *entrance) enterOwn(now time.Time, member int) *room {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := &e.own[member]; r.enter(now, reservedRoom, reservedBurst, reservedPerSecond) {
		return r
	}
	return nil
}

// leave gives the place back.
func (e *entrance) leave(r *room) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r.taken--
}

// inbound returns how many connections there are in all rooms.
func (e *entrance) inbound() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.general.taken
	for i := range e.own {
		all += e.own[i].taken
	}
	return all
}

// admit counts a connection that somebody begins to open.
func (t *Transport) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	now := time.Now()
	room := t.entrance.enter(now)
	if room == nil && info.AddrVerified {
		if member := t.whoseAddress(addrPort(info.RemoteAddr)); member >= 0 {
			room = t.entrance.enterOwn(now, member)
			t.reserved.Add(1)
		}
	}
	if room == nil {
		t.turnedAway.Add(1)
		return nil, errCrowded
	}
	t.wg.Add(1)
	context.AfterFunc(ctx, func() {
		defer t.wg.Done()
		t.entrance.leave(room)
		t.explain(context.Cause(ctx), info.RemoteAddr)
	})
	return ctx, nil
}

// whoseAddress returns the member that comes from there, as far as is known, or -1.
func (t *Transport) whoseAddress(from netip.AddrPort) int {
	if !from.IsValid() {
		return -1
	}
	return slices.IndexFunc(t.peers, func(p *peer) bool { return p != nil && p.comesFrom(from) })
}

// comesFrom reports whether the peer is known to be there: its name in the address book says so, or it has shown its key
// there last.
func (p *peer) comesFrom(from netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return from == p.seen || slices.Contains(p.places, from)
}

// expect notes the addresses of the peer's name.
func (p *peer) expect(places []netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places = places
}

// addrPort returns an address as it is compared with others, the zero value of one that is not UDP's.
func addrPort(addr net.Addr) netip.AddrPort {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	is := udp.AddrPort()
	return netip.AddrPortFrom(is.Addr().Unmap(), is.Port())
}
