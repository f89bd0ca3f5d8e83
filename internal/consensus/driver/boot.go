package driver

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
	asked  int64 // since when enough peers have answered at all; 0 if they have not
	due    int64 // when to look again
	lost   bool
}

// observe ends the observation once n−f nodes, itself included, have told their tips of this node's own chain and
// each of these is held.
func (d *Driver) observe() {
	b := &d.boot
	if b.active {
		b.due = never
		return
	}
	answered, met := 1, 1
	for p := range d.peers {
		if p != d.self && d.peers[p].answered {
			answered++
			met += d.met(p)
		}
	}
	need := len(d.peers) - d.faults
	b.asked = since(b.asked, answered >= need, d.time)
	b.enough = since(b.enough, met >= need, d.time)
	giveUp := max(b.asked, d.decidedAt) + bootPatience
	b.lost = met < need && b.asked > 0 && d.time >= giveUp
	switch {
	case met >= need && (met == answered || d.time >= b.enough+bootGrace):
		d.start()
	case met >= need:
		b.due = b.enough + bootGrace
	case answered >= need && !b.lost:
		b.due = giveUp
	default:
		b.due = never
	}
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

// met returns 1 if every own event that the peer has told of is held, otherwise 0.
func (d *Driver) met(peer int) int {
	for _, t := range d.peers[peer].ownTips {
		if d.window.byID[t.ID] == nil {
			return 0
		}
	}
	return 1
}

// start ends the observation: the node's chain goes on from its highest event.
func (d *Driver) start() {
	d.boot = boot{active: true, due: never}
	c := &d.creator
	if tips := d.window.tips[d.self]; len(tips) > 0 {
		c.own = tips[len(tips)-1]
		c.seq = c.own.event.Seq
		for _, p := range c.own.parents {
			if !p.gone && p.event.Creator != d.self {
				c.seen[p.event.Creator] = p
			}
		}
	}
	c.incarnation = c.seq + 1
	c.changed = true
	c.news = members{}
}

// heardBoot notes whether the peer observes after a start. When it begins to, it has lost its memory, and what it
// was known to have no longer counts.
func (d *Driver) heardBoot(peer int, booting bool) {
	p := &d.peers[peer]
	if booting && !p.booting {
		d.window.unmark(peer, true)
		p.echo = 0
	}
	p.booting = booting
}
