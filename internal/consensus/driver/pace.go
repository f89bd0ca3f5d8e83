package driver

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
)

// How far apart own events are depends on how far away the peers are. That is measured by echoes.
const (
	// firstDelay is the one-way delay in ns that is assumed before any was measured.
	firstDelay = 10e6
	// maxDelay bounds what one measurement may say; a peer that had no reason to create an event seems slow.
	maxDelay = 1e9
	// madeKept is for how many own events their time is kept, so that the delay to a peer can be measured to which
	// very many are on their way.
	madeKept = 2048
)

// measure estimates the delay to a peer that has just shown for the first time that it knows this own event. If the
// cluster was idle in between, the peer may have had no reason to answer; but it did before the next own event came.
func (d *Driver) measure(peer int, own uint64) {
	p, c := &d.peers[peer], &d.creator
	if own <= p.measured || own > c.seq || c.seq-own >= madeKept || own < c.incarnation {
		return
	}
	p.measured = own
	made, next := c.made[own%madeKept], d.time
	if own < c.seq {
		next = c.made[(own+1)%madeKept]
	}
	most := (d.time - made) / 2
	least := most
	if made < d.idleAt {
		least = (d.time - next) / 2
	}
	switch {
	case most < p.delay:
		p.delay = most
	case least > p.delay:
		p.delay += (min(least, maxDelay) - p.delay) / 16
	}
	d.setIntervals()
}

// slowest is the share of the delay to the slowest connected peer by which own events are apart at least. What that
// peer makes is born in the round that it knew to be pending, a delay ago, and comes in another delay later. If the
// others, being near each other, had finished all the rounds that are kept by then, nothing of it could ever be
// ordered. A round takes two events of each member, so they finish no more than this many in the meantime.
const slowest = 12

// setIntervals derives from the delays how far apart own events are: a part of the slowest for any of them on
// average, 0.45 of the median for those that advance nothing.
func (d *Driver) setIntervals() {
	delays := make([]int64, 0, usualMembers)
	for p := range d.peers {
		if d.peers[p].connected {
			delays = append(delays, d.peers[p].delay)
		}
	}
	median, longest := int64(0), int64(0)
	if len(delays) > 0 {
		slices.Sort(delays)
		median, longest = delays[len(delays)/2], delays[len(delays)-1]
	}
	d.creator.median = median
	d.creator.interval = min(max(median*45/100, d.policy.MinInterval), d.policy.MaxInterval)
	d.creator.breath = min(longest/slowest, d.policy.MaxBreath)
}

// breathes returns when the next own event of any kind may follow: two of them take two breaths. After many that no
// round came of, they come ever more slowly, so that the graph hardly grows while something else is in the way.
func (d *Driver) breathes() int64 {
	c := &d.creator
	at := c.made[(c.seq-1)%madeKept] + 2*c.breath
	if c.vain > maxVain {
		at = max(at, c.last+min((c.last-max(d.decidedAt, d.idleAt))/16, maxRest))
	}
	return at
}

const (
	// maxVain is how many own events may follow a decided round before they come more slowly.
	maxVain = 32
	// maxRest bounds, in ns, how far apart they come then.
	maxRest = 100e6
)

// linger tells whether an event that would open a round is to wait a little, for witnesses of the round before that
// are about to come in. Each is a candidate, and where some voters have just seen it and others have not, its election
// is drawn out. When the pending election is already, what helps is that the voters have the same electors, namely all
// of them: where each goes by the quorum that is nearest to it, the two sides of an ocean can outvote each other for
// ever. Only members that were heard of lately are waited for.
func (d *Driver) linger(p consensus.Preview) bool {
	c := &d.creator
	if !p.Advances || p.Round <= 1 {
		return false
	}
	if c.opening != p.Round {
		c.opening, c.openAt = p.Round, d.time
	}
	wait, others := int64(0), d.lively()
	switch {
	case p.Round > int64(d.engine.Pending())+2 && p.Electors < others:
		wait = c.median / 2
	case p.Near < others:
		wait = c.median / 4
	}
	c.lingerTill = c.openAt + min(wait, d.policy.MaxInterval)
	return d.time < c.lingerTill
}

// lively counts the members, this node included, that took part in the latest rounds.
func (d *Driver) lively() int {
	n := 1
	for p, round := range d.ahead {
		if p != d.self && d.peers[p].connected && round > 0 && round+2 >= d.engine.Pending() {
			n++
		}
	}
	return n
}

// spacing returns the ns that pass at least before an event of kind (c) or (d).
func (d *Driver) spacing() int64 { return max(d.creator.breath, d.creator.interval, d.creator.pace) }
