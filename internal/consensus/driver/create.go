package driver

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// maxCreations bounds the own events of one call. More than one come of it only where a node is a quorum by itself.
const maxCreations = 16

// creator is what the making of own events needs to remember.
type creator struct {
	own         *vertex         // the last own event, nil if none
	seq         uint64          // its sequence number, 0 if none
	incarnation uint64          // sequence number of the first own event since the start
	last        int64           // when it was made, in the driver's own time
	made        [madeKept]int64 // when own events were made, by sequence number modulo madeKept
	seen        []*vertex       // by creator: the last one of its events that an own event had as a parent
	others      []*vertex       // what otherParents returned last
	news        members         // creators of events that were taken in since the last own event
	changed     bool            // the engine knows more than when it was last asked for a preview
	echoRound   int64           // highest round of which an own event has reached a supermajority's witnesses
	submitted   int64           // when the Source's newest transaction was learned of, by this node's clock
	opening     int64           // the round that an own event could open, or the last one could
	openAt      int64           // since when, in the driver's own time
	lingerTill  int64           // until when such an event was to wait, in the driver's own time
	vain        int             // own events since a round was decided
	median      int64           // of the delays to the connected peers, in ns
	breath      int64           // ns between any two events, on average
	interval    int64           // ns between two events that advance neither the round nor its echo
	pace        int64           // and what the machine can bear
	err         error           // why the last own event could not be made, nil if it was
}

// plan is an own event to be made.
type plan struct {
	others  []*vertex // other-parents, by creator
	preview consensus.Preview
}

// create makes the own events for which there is a reason.
func (d *Driver) create() {
	for range maxCreations {
		if !d.mayCreate() {
			return
		}
		p, reason := d.plan()
		if !reason || !d.makeEvent(p) {
			return
		}
		d.takeIn()
	}
}

// mayCreate tells whether the node is in a state to create events at all. After a stale event the user has to learn
// of it first, lest what it submits next jumps ahead of what it submits again.
func (d *Driver) mayCreate() bool {
	return d.boot.active && len(d.ready.Stale) == 0 && d.engine.Err() == nil && !d.holdsBack()
}

// plan looks for a reason to create an event, which are (a) to (d) in docs/consensus.md.
func (d *Driver) plan() (plan, bool) {
	c := &d.creator
	if d.time < d.breathes() {
		return plan{}, false
	}
	payload, work := d.cfg.Source.Waiting(), d.window.unorderedEvents > 0
	due := d.time >= c.last+d.spacing()
	if !payload && !work || !due && (!work || !c.changed) {
		return plan{}, false
	}
	p := plan{others: d.otherParents()}
	news := len(p.others) > 0
	if due && !d.capped() && (payload || work && news) { // (c), (d)
		p.preview = d.preview(p.others)
		return p, !d.linger(p.preview)
	}
	if !work || !c.changed {
		return plan{}, false
	}
	p.preview = d.preview(p.others)
	if d.linger(p.preview) {
		return plan{}, false
	}
	c.changed = false
	return p, p.preview.Advances || news && p.preview.Echoes >= d.quorum && p.preview.Round > c.echoRound // (a), (b)
}

// capped tells whether so many own events are unechoed that those of kind (c) and (d) must wait. Where all payload
// is ordered nobody will echo anything, so the next payload must not wait for it. It is lifted when there is news
// from a supermajority, this node included: otherwise, when a partition heals, nodes that have all reached the bound
// would wait for each other for ever. Without a quorum it cannot be lifted so.
func (d *Driver) capped() bool {
	return d.window.unorderedEvents > 0 && d.creator.news.count()+1 < d.quorum &&
		d.unechoed() >= uint64(d.policy.MaxUnechoed)
}

// unechoed counts the own events beyond the last one that a supermajority, this node included, has echoed.
func (d *Driver) unechoed() uint64 {
	echoes := make([]uint64, 0, usualMembers)
	for p := range d.peers {
		if p != d.self {
			echoes = append(echoes, d.peers[p].echo)
		}
	}
	slices.Sort(echoes)
	echoed := d.creator.seq
	if others := d.quorum - 1; others > 0 {
		echoed = min(echoed, echoes[len(echoes)-others])
	}
	return d.creator.seq - echoed
}

// otherParents returns the tips that are news to this node's chain, at most one by a creator. The slice is the
// driver's, until the next call.
func (d *Driver) otherParents() []*vertex {
	own := d.creator.own
	afresh := own == nil || own.ancient
	others := d.creator.others[:0]
	for c := range d.peers {
		if c == d.self {
			continue
		}
		if t := d.tipOf(c); t != nil && (afresh || t != d.creator.seen[c]) {
			others = append(others, t)
		}
	}
	d.creator.others = others
	return others
}

// tipOf chooses one of a creator's tips. It stays on the branch that it chose before, as what a chain sees of a creator
// changes branches only with a new round. But no longer than rounds are decided: the creator may have lost that branch
// with its power, and those who stayed on such ones would be too few to decide a round, without which no branch becomes
// ancient.
func (d *Driver) tipOf(creator int) *vertex {
	seen := d.creator.seen[creator]
	onBranch := seen != nil && !seen.ancient && !d.doubts()
	var best *vertex
	for _, t := range d.window.tips[creator] {
		if t.ancient || onBranch && !t.descends(seen) {
			continue
		}
		if t = d.sound(t, seen); t == nil || t.ancient {
			continue
		}
		if best == nil || t.event.Seq > best.event.Seq {
			best = t
		}
	}
	return best
}

// sound returns the latest event on the tip's chain that every node will be able to take in soon. An event whose
// missing parent is ancient only since a few rounds may be stuck elsewhere: to a node that has not decided those
// rounds the parent is not ancient, and a liar may have made it up. If this node's events descended from it, that
// node could take in none of them and decide those rounds no more. A creator that has not forked is believed after
// a while, or two nodes that return from a partition could wait for each other; so are all when more have forked than
// there may be liars, or those could.
// Seen is where the search ends, if it is on the chain.
func (d *Driver) sound(t, seen *vertex) *vertex {
	if d.filled(t) || d.time >= d.decidedAt+d.distrust() && d.mayBeBelieved(t.event.Creator) {
		return t
	}
	for t != nil && t != seen && !t.gone && !d.filled(t) {
		t = t.selfParent
	}
	if t == nil || t.gone {
		return nil
	}
	return t
}

// mayBeBelieved tells whether the creator has not forked, or whether more have than there may be liars.
func (d *Driver) mayBeBelieved(creator int) bool {
	return d.window.branches(creator) <= 1 || d.window.forked() > d.faults
}

// filled tells whether what is missing below an event has been ancient for long enough.
func (d *Driver) filled(t *vertex) bool {
	return t.chainGap < d.thresholds[0] && t.gap < d.thresholds[margin/2]
}

// distrust returns for how many ns without a decided round no creator is believed: about ten one-way delays.
func (d *Driver) distrust() int64 { return min(25*d.creator.interval, patience) }

// preview asks the engine what an own event with these other-parents would be.
func (d *Driver) preview(others []*vertex) consensus.Preview {
	parents := make([]event.ID, 0, usualMembers)
	if d.creator.own != nil {
		parents = append(parents, d.creator.own.event.ID())
	}
	for _, o := range others {
		parents = append(parents, o.event.ID())
	}
	return d.engine.Preview(d.self, parents)
}

// makeEvent makes an own event, takes it in and pushes it. It fails if the event cannot be signed; its payload is
// handed back as stale then.
func (d *Driver) makeEvent(p plan) bool {
	c := &d.creator
	e := d.compose(p.others)
	c.last = d.time
	if err := d.seal(e); err != nil {
		c.err = err
		if len(e.Payload) > 0 {
			d.ready.Stale = append(d.ready.Stale, e)
		}
		return false
	}
	c.err = nil
	c.seq = e.Seq
	c.vain++
	c.made[e.Seq%uint64(len(c.made))] = d.time
	for _, o := range p.others {
		c.seen[o.event.Creator] = o
	}
	if p.preview.Echoes >= d.quorum {
		c.echoRound = max(c.echoRound, p.preview.Round)
	}
	c.news = members{}
	c.own = d.insert(e)
	d.push(c.own)
	return true
}

// compose fills in an own event.
func (d *Driver) compose(others []*vertex) *event.Event {
	c := &d.creator
	e := &event.Event{Creator: d.self, Seq: c.seq + 1, BirthRound: d.engine.Pending()}
	if c.own != nil {
		e.Parents = append(e.Parents, claim(c.own))
		e.Time = c.own.event.Time + 1
		e.BirthRound = max(e.BirthRound, c.own.event.BirthRound)
	}
	for _, o := range others {
		e.Parents = append(e.Parents, claim(o))
		e.Time = max(e.Time, o.learned)
		e.BirthRound = max(e.BirthRound, o.event.BirthRound)
	}
	if d.cfg.Source.Waiting() {
		e.Payload = d.cfg.Source.Fill(nil, c.incarnation, d.policy.MaxPayload)
		e.Time = max(e.Time, c.submitted)
	}
	if d.cfg.Coin != nil {
		e.Coin = d.cfg.Coin()
	}
	return e
}

// seal completes an own event with its identity and its signature.
func (d *Driver) seal(e *event.Event) error {
	if err := e.Seal(d.cfg.Domain); err != nil {
		return err
	}
	if d.cfg.Sign == nil {
		return nil
	}
	return d.cfg.Sign(e)
}

func claim(v *vertex) event.Parent {
	e := v.event
	return event.Parent{Creator: e.Creator, Seq: e.Seq, BirthRound: e.BirthRound, ID: e.ID()}
}

// createDue returns when an own event may be due, in the driver's own time.
func (d *Driver) createDue() int64 {
	c := &d.creator
	work := d.window.unorderedEvents > 0
	switch {
	case len(d.ready.Stale) > 0:
		return d.time
	case !d.mayCreate():
		return never
	case work && c.changed: // (a) or (b) may have been out of breath
		return max(d.breathes(), c.lingerTill)
	case d.capped():
		return never
	case d.cfg.Source.Waiting(), work && c.news != members{} && len(d.otherParents()) > 0:
		return max(c.last+d.spacing(), d.breathes(), c.lingerTill)
	}
	return never
}
