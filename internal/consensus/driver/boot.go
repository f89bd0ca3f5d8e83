package driver

import "github.com/foxmq/foxmq/internal/event"

const (
	// bootGrace is how long, in ns, a starting node that could start goes on asking when some peer claims an own
	// event of it that nobody has handed out yet.
	bootGrace = 2e9
	// bootPatience is after how many ns without a decided round a node that cannot start says that it is lost.
	bootPatience = 5e9
)

// boot is the observation after a start. Whatever the disk says may be an old copy: the peers know which own event
// was the last, and a second event with its number would be a fork.
type boot struct {
	active bool  // it is over
	enough int64 // since when enough peers have answered to start but for claims unmet; 0 if they have not
	heard  int64 // when a peer first told of this node's own chain, the last of those that have
	asked  int64 // since when enough peers have answered at all; 0 if they have not
	due    int64 // when to look again
	lost   bool
	last   *event.Event // own, not ancient when a peer's snapshot was gone over to, and in no log; nil if none
	told   event.ID     // the own event that a peer told of last
}

// observe ends the observation once n−f nodes, itself included, have told their tips of this node's own chain and
// each of these is held. Those that may have been lost by more nodes than f are waited for a while longer: all.
func (d *Driver) observe() {
	b := &d.boot
	if b.active {
		b.due = never
		return
	}
	answered, met := d.answers()
	need := len(d.peers) - d.faults
	if !d.whole() {
		met = 0
	}
	b.asked = since(b.asked, answered >= need, d.time)
	b.enough = since(b.enough, met >= need, d.time)
	giveUp := max(b.asked, d.decidedAt) + bootPatience
	b.lost = met < need && b.asked > 0 && d.time >= giveUp
	start := b.enough + d.hesitation(answered, met)
	if met < answered { // each peer counts once, so that none can put it off for long
		start = max(start, b.heard+bootGrace)
	}
	switch {
	case met >= need && d.time >= start:
		d.start()
	case met >= need:
		b.due = start
	case answered >= need && !b.lost:
		b.due = giveUp
	default:
		b.due = never
	}
}

// answers counts the nodes, this one included, that have told of its own chain, and those of them all of whose tips of it
// are held.
func (d *Driver) answers() (answered, met int) {
	answered, met = 1, 1
	for p := range d.peers {
		if p != d.self && d.peers[p].answered {
			answered++
			met += d.met(p)
		}
	}
	return answered, met
}

// hesitation returns for how many ns a node goes on observing that could start.
func (d *Driver) hesitation(answered, met int) int64 {
	switch {
	case met == len(d.peers):
		return 0
	case d.cfg.Unsure && d.booting() > d.faults:
		return d.policy.Reunion
	case met < answered:
		return bootGrace
	}
	return 0
}

// booting counts the nodes, this one included, that observe.
func (d *Driver) booting() int {
	count := 1
	for p := range d.peers {
		if p != d.self && d.peers[p].booting {
			count++
		}
	}
	return count
}

// whole tells whether the last own event that this node knows of is held.
func (d *Driver) whole() bool {
	e := d.boot.last
	if e != nil && e.BirthRound < d.window.ancient {
		d.window.remember(e)
		d.boot.last, e = nil, nil
	}
	return e == nil || d.window.byID[e.ID()] != nil
}

// since returns since when a condition holds, 0 if it does not.
func since(was int64, holds bool, now int64) int64 {
	switch {
	case !holds:
		return 0
	case was == 0:
		return now
	}
	return was
}

// met returns 1 if every own event that the peer has told of is held or comes before one that is, otherwise 0.
func (d *Driver) met(peer int) int {
	held := uint64(0)
	if tips := d.window.tips[d.self]; len(tips) > 0 {
		held = tips[len(tips)-1].event.Seq
	}
	for _, t := range d.peers[peer].ownTips {
		if t.Seq >= held && d.window.byID[t.ID] == nil {
			return 0
		}
	}
	return 1
}

// start ends the observation: the node's chain goes on from its highest event.
func (d *Driver) start() {
	c := &d.creator
	c.own = d.lastOwn()
	d.boot = boot{active: true, due: never}
	if c.own != nil {
		c.seq = c.own.event.Seq
		for _, p := range c.own.parents {
			if !p.gone && p.event.Creator != d.self {
				c.seen[p.event.Creator] = p
			}
		}
	}
	c.incarnation = c.seq + 1
	c.changed = true
	c.news = d.unseen()
}

// unseen returns the creators of events that the last own event does not descend from.
func (d *Driver) unseen() members {
	var creators members
	var own []*vertex
	if d.creator.own != nil {
		own = append(own, d.creator.own)
	}
	d.walk(own, func(*vertex) bool { return true })
	for c, tips := range d.window.tips {
		for _, t := range tips {
			if c != d.self && !t.ancient && t.visited != d.visit {
				creators.add(c)
			}
		}
	}
	return creators
}

// lastOwn returns this node's highest event, nil if none. Which of them came last, or was told of last, means nothing:
// a peer that lags tells of an earlier one.
func (d *Driver) lastOwn() *vertex {
	if v := d.window.byID[d.boot.told]; v != nil && d.cfg.Mutation == OwnTipByArrival {
		return v
	}
	tips := d.window.tips[d.self]
	if len(tips) == 0 {
		return nil
	}
	return tips[len(tips)-1]
}

// Own returns the last event of this node that it knows of, whether it can go on from it yet or not; nil if there is
// none.
func (d *Driver) Own() *event.Event {
	own := d.boot.last
	if tips := d.window.tips[d.self]; len(tips) > 0 {
		if last := tips[len(tips)-1].event; own == nil || own.Seq < last.Seq {
			own = last
		}
	}
	return own
}

// Started tells whether the node makes events: the observation is over.
func (d *Driver) Started() bool { return d.boot.active }

// heardBoot notes whether the peer observes after a start. When it begins to, it may have lost its memory, and what
// it was known to have no longer counts, nor how far it was. What it echoed does: those events are there.
func (d *Driver) heardBoot(peer int, booting bool) {
	p := &d.peers[peer]
	if booting && !p.booting {
		d.window.unmark(peer, true)
		p.reached = 0
	}
	p.booting = booting
}
