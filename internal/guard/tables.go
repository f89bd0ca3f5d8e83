package guard

import (
	"net/netip"
	"time"
)

const (
	// window is how long an offence counts.
	window = time.Minute
	// generation is how many addresses one of the two generations of offences may have.
	generation = 1 << 15
	// mostBans is how many addresses may be banned at a time.
	mostBans = 1 << 16
)

// offences counts what came from addresses. It holds two generations of them: when the young one is full, it becomes the
// old one, and what was the old one is forgotten. So at least the last 32,768 addresses are known, at a bounded cost in
// memory and for each offence.
type offences struct{ young, old map[netip.Prefix]tally }

// tally is the offences of an address within a window that began with the first of them.
type tally struct {
	since time.Time
	n     int
}

// count counts an offence and returns how many there were within the window.
func (o *offences) count(who netip.Prefix, now time.Time) int {
	t, known := o.young[who]
	if !known {
		t = o.old[who]
	}
	if now.Sub(t.since) > window {
		t = tally{since: now}
	}
	t.n++
	if o.young == nil || !known && len(o.young) >= generation {
		o.old, o.young = o.young, map[netip.Prefix]tally{}
	}
	o.young[who] = t
	return t.n
}

func (o *offences) forget(who netip.Prefix) {
	delete(o.young, who)
	delete(o.old, who)
}

// bans are the addresses that are kept out. All bans are equally long, so that they end in the order in which they were
// made.
type bans struct {
	until map[netip.Prefix]time.Time
	order []netip.Prefix // the oldest first
}

// add bans an address that is not banned. If there are too many, the oldest ban ends.
func (b *bans) add(who netip.Prefix, now, until time.Time) {
	b.end(now)
	if len(b.order) >= mostBans {
		b.drop(1)
	}
	b.until[who] = until
	b.order = append(b.order, who)
}

func (b *bans) hold(who netip.Prefix, now time.Time) bool {
	b.end(now)
	_, banned := b.until[who]
	return banned
}

// number returns how many there are.
func (b *bans) number(now time.Time) int {
	b.end(now)
	return len(b.order)
}

// end drops the bans whose time has come.
func (b *bans) end(now time.Time) {
	over := 0
	for over < len(b.order) && !b.until[b.order[over]].After(now) {
		over++
	}
	b.drop(over)
}

// drop drops the n oldest bans.
func (b *bans) drop(n int) {
	for _, who := range b.order[:n] {
		delete(b.until, who)
	}
	if b.order = b.order[n:]; len(b.order) == 0 {
		b.order = nil
	}
}
