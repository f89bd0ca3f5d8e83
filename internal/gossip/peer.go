package gossip

import (
	"context"
	"crypto/ecdsa"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/zap"
)

// peer is everything about one other member.
type peer struct {
	t     *Transport
	index int
	addr  string // as the address book has it
	key   *ecdsa.PublicKey
	log   *zap.Logger

	wake    chan struct{} // holds a token when link was set, for serve
	lost    chan ending   // holds how the last link ended, for dial
	serving chan struct{} // holds a token while the server is at a request of the peer, its first

	mu         sync.Mutex
	link       *link     // in use, or the next to be; guarded by mu
	queue      *queue    // of the link in use, nil while there is none; guarded by mu
	generation uint64    // the highest of any link, guarded by mu
	arrivals   allowance // of links, guarded by mu
	asks       allowance // of requests, guarded by mu
	shunned    time.Time // no connection before this time, guarded by mu
	offences   int       // of late, guarded by mu
	stopped    bool      // no connection ever again, guarded by mu

	places []netip.AddrPort // whence it may come: as its name was last looked up; guarded by mu
	seen   netip.AddrPort   // and whence its last link came, the zero value if there was none; guarded by mu

	counters
	notices notices
}

// notices are what the log says about one peer.
type notices struct {
	comes, goes, unreachable, wrongKey, refusesUs, differs, malformed, breach, crowds, shunsUs, oversized notice
}

// How often a peer may come with a new connection: more often than a restart or a bad network makes it come.
const (
	arrivalBurst     = 30
	arrivalPerSecond = 0.5
)

// maxDoublings is how often a penalty is doubled at most: from 1 ms it leads beyond a week.
const maxDoublings = 30

func newPeer(t *Transport, index int) *peer {
	m := t.cfg.Book.Members[index]
	return &peer{
		t: t, index: index, addr: m.Addr, key: m.Key,
		log:     t.log.With(zap.Int("peer", index), zap.String("peer_addr", m.Addr)),
		wake:    make(chan struct{}, 1),
		lost:    make(chan ending, 1),
		serving: make(chan struct{}, 1),
	}
}

// offer hands over a link. It replaces the peer's present one if it beats it, and is closed otherwise.
func (p *peer) offer(l *link) {
	old, no := p.adopt(l)
	if no == crowding {
		p.crowdings.Add(1)
		p.notices.crowds.warn(p.log, "peer connects too often", zap.Duration("penalty", p.t.cfg.Penalty))
	}
	if no != nil {
		l.close(no.code, no.reason)
		return
	}
	if old != nil {
		old.close(codeReplaced, "replaced by another connection")
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// refusal is why a link is not wanted, as the peer is told.
type refusal struct {
	code   quic.ApplicationErrorCode
	reason string
}

// crowding refuses the connection of a peer that comes too often.
var crowding = &refusal{codePenalty, "too many connections"}

// adopt makes l the peer's link and returns the one that it replaces, if any, or it returns why not.
func (p *peer) adopt(l *link) (old *link, no *refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case p.stopped:
		return nil, &refusal{codeStopping, "stopping"}
	case now.Before(p.shunned):
		return nil, &refusal{codePenalty, "kept away for a while"}
	case p.link != nil && !l.beats(p.link):
		return nil, &refusal{codeReplaced, "another connection is in use"}
	case !p.arrivals.take(now, arrivalBurst, arrivalPerSecond):
		p.shunned = now.Add(p.t.cfg.Penalty)
		return nil, crowding
	}
	old, p.link = p.link, l
	p.generation = max(p.generation, l.generation)
	p.seen = addrPort(l.conn.RemoteAddr())
	return old, nil
}

// connected reports whether there is a link.
func (p *peer) connected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link != nil
}

// present returns the link of the session under way, or the one that is about to replace it, or nil if there is no
// session.
func (p *peer) present() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue == nil {
		return nil
	}
	return p.link
}

// nextGeneration returns the generation for a connection that this node opens.
func (p *peer) nextGeneration() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.generation + 1
}

// shun keeps the peer away for a penalty, which it returns. A peer that is kept away already has no further one: several
// streams of one connection may be found out at once.
func (p *peer) shun() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, most := time.Now(), p.t.cfg.MaxPenalty
	if left := p.shunned.Sub(now); left > 0 {
		return left
	}
	if now.Sub(p.shunned) > most {
		p.offences = 0
	}
	penalty := p.t.cfg.Penalty
	for range p.offences {
		penalty = min(2*penalty, most)
	}
	p.offences = min(p.offences+1, maxDoublings)
	p.shunned = now.Add(penalty)
	return penalty
}

// shunnedFor returns how long the peer is still kept away.
func (p *peer) shunnedFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.shunned)
}

// stop closes the link and admits no other.
func (p *peer) stop() {
	p.mu.Lock()
	p.stopped = true
	l := p.link
	p.mu.Unlock()
	if l != nil {
		l.close(codeStopping, "stopping")
	}
}

// serve runs one session after the other, on whatever link is offered, until the context ends.
func (p *peer) serve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			p.session()
		}
	}
}

// push queues a message for the session under way. It reports whether the message is on its way.
func (p *peer) push(o *outgoing) bool {
	p.mu.Lock()
	q := p.queue
	p.mu.Unlock()
	if q == nil {
		return false
	}
	dropped := q.push(o)
	if dropped > 0 {
		p.overflows.Add(1)
		p.dropped.Add(uint64(dropped))
	}
	return dropped == 0
}
