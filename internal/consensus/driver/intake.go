package driver

import (
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// arrival is an event that nothing keeps from being taken in, and who sent it.
type arrival struct {
	event *event.Event
	from  int
}

// receiveEvent takes an event in, or lets it wait, or drops it.
func (d *Driver) receiveEvent(from int, e *event.Event) {
	if e.Creator >= len(d.peers) {
		d.dropped++
		return
	}
	d.ahead[e.Creator] = max(d.ahead[e.Creator], e.BirthRound)
	d.peers[from].reached = max(d.peers[from].reached, e.BirthRound)
	id := e.ID()
	switch v := d.window.byID[id]; {
	case v != nil:
		d.window.mark(v, from)
	case d.waiting.byID[id] != nil:
	case e.BirthRound < d.window.ancient:
		d.echoLate(e)
		d.expire(id)
	default:
		d.place(arrival{e, from})
	}
	d.takeIn()
}

// place puts an event that is neither held nor ancient among those to be taken in, or among those that wait.
func (d *Driver) place(a arrival) {
	missing := d.missing(a.event)
	if len(missing) == 0 && a.event.BirthRound <= d.engine.Pending() {
		d.arrivals = append(d.arrivals, a)
		return
	}
	for _, e := range d.waiting.add(a.event, a.from, missing) {
		d.forgotten(e)
	}
	if d.waiting.byID[a.event.ID()] == nil {
		return
	}
	d.wantAll(missing, a.from)
}

// forgotten notes that an event was dropped that may be taken in later. If another waits for it, it is asked for
// again, at the word of the peer that sent that one.
func (d *Driver) forgotten(e *event.Event) {
	d.dropped++
	if children := d.waiting.children[e.ID()]; len(children) > 0 {
		d.want(e.ID(), children[0].from, false)
	}
}

// missing returns the parents that e has to wait for, each once.
func (d *Driver) missing(e *event.Event) []event.ID {
	var ids []event.ID
	for i := range e.Parents {
		if id := e.Parents[i].ID; d.blocks(&e.Parents[i]) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// blocks tells whether an event has to wait for this parent: it is not held and, as far as anybody can tell, not
// ancient.
func (d *Driver) blocks(p *event.Parent) bool {
	return p.BirthRound >= d.window.ancient && d.window.byID[p.ID] == nil && !d.expired.has(p.ID)
}

// lacks tells whether e has to wait for the parent id.
func (d *Driver) lacks(e *event.Event, id event.ID) bool {
	for i := range e.Parents {
		if e.Parents[i].ID == id && d.blocks(&e.Parents[i]) {
			return true
		}
	}
	return false
}

// takeIn takes in what has arrived, then what waited for it, until nothing more can be.
func (d *Driver) takeIn() {
	for {
		for len(d.arrivals) > 0 {
			a := d.arrivals[0]
			d.arrivals = d.arrivals[1:]
			switch {
			case a.event.BirthRound < d.window.ancient: // since a moment ago
				d.expire(a.event.ID())
			case d.refuses(a):
				d.forgotten(a.event)
			default:
				d.accept(a)
				d.release(a.event.ID())
			}
		}
		if !d.sweep {
			d.arrivals = nil
			return
		}
		d.sweep = false
		d.sweepWaiting()
	}
}

// release moves the events that waited for id last to those that have arrived.
func (d *Driver) release(id event.ID) {
	for _, c := range append([]*waiter(nil), d.waiting.children[id]...) {
		d.releaseIfReady(c)
	}
}

func (d *Driver) releaseIfReady(w *waiter) {
	if w.event.BirthRound <= d.engine.Pending() && len(d.missing(w.event)) == 0 {
		d.waiting.remove(w)
		d.arrivals = append(d.arrivals, arrival{w.event, w.from})
	}
}

// sweepWaiting goes through all that wait when a round has been decided: some are ancient now, some no longer of
// the future, and some wait for what is ancient now.
func (d *Driver) sweepWaiting() {
	for _, w := range d.waiting.all() {
		switch {
		case w.place < 0:
		case w.event.BirthRound < d.window.ancient:
			d.waiting.remove(w)
			d.expire(w.event.ID())
		default:
			d.releaseIfReady(w)
		}
	}
}

// expire notes that an event came too late to be taken in, so that nobody waits for it or asks for it again.
func (d *Driver) expire(id event.ID) {
	d.expired.add(id)
	d.release(id)
}

// refuses tells whether an event is beyond what its creator is granted. It is taken in all the same when a waiting
// event descends from it that a correct node may have made: which branches of a fork came first differs from node
// to node, and each has to follow the others'. Such an event's creator has not forked and is within its limit, so
// that two liars cannot call in each other's events without end; or there are more creators than there may be liars.
func (d *Driver) refuses(a arrival) bool {
	e := a.event
	tooMany := d.window.recent[e.Creator] >= d.limits.CreatorEvents
	tooForked := d.window.branches(e.Creator) >= d.limits.Branches && !d.window.extendsTip(e)
	if !tooMany && (!tooForked || d.vouched(a)) {
		return false
	}
	wanters := d.waiting.wanters(e.ID(), e.Creator)
	for c := range d.peers {
		if wanters.has(c) && d.window.branches(c) <= 1 && d.window.recent[c] < d.limits.CreatorEvents {
			return false
		}
	}
	return wanters.count() <= d.faults
}

// vouched tells whether a member hands on a branch of another while no round has been decided for a while, though
// there is work here, or though somebody who has not forked is rounds ahead. Perhaps it decided a round by way of this
// branch, and none of its own events descends from it: then each would wait for the other. The creator's own word
// counts for nothing, and that of any other for as many branches as a correct member may hold.
func (d *Driver) vouched(a arrival) bool {
	return a.from != a.event.Creator && d.window.vouched[a.from] < d.limits.Branches*len(d.peers) && d.doubts()
}

// doubts tells whether no round has been decided for a while, though there is work or somebody is ahead.
func (d *Driver) doubts() bool {
	return d.time >= d.decidedAt+patience && (d.window.unorderedEvents > 0 || d.outrun())
}

// reconsider asks at once for all that is missing when the node begins to doubt: it may have been sent, and refused,
// several times, and would be asked for more and more rarely.
func (d *Driver) reconsider() {
	if d.doubted != d.decidedAt && d.doubts() {
		d.doubted = d.decidedAt
		d.askAfresh(d.self)
	}
}

// outrun tells whether a member that has not forked is rounds ahead.
func (d *Driver) outrun() bool {
	for c, round := range d.ahead {
		if round > d.engine.Pending() && d.window.branches(c) <= 1 {
			return true
		}
	}
	return false
}

// patience is after how many ns without a decided round a node doubts what it refused.
const patience = 1e9

// accept takes an event in: from now on it is persisted, a parent, and the engine's.
func (d *Driver) accept(a arrival) {
	branch := !d.window.extendsTip(a.event)
	v := d.insert(a.event)
	if branches := d.window.branches(a.event.Creator); branch && branches > 1 {
		d.peers[a.event.Creator].forks++
		if branches > d.limits.Branches {
			d.window.vouch(v, a.from)
		}
	}
	d.window.mark(v, a.event.Creator)
	d.window.mark(v, a.from)
	d.creator.news.add(a.event.Creator)
	d.echo(a.event.Creator, v.own)
}

// insert hands an event with all its parents to the window, the log and the engine.
func (d *Driver) insert(e *event.Event) *vertex {
	v := d.admit(e)
	d.ready.Persist = append(d.ready.Persist, e)
	d.consider(e)
	return v
}

// admit puts an event into the window.
func (d *Driver) admit(e *event.Event) *vertex {
	v := d.window.add(e, d.self)
	v.learned, v.since = d.wall, d.time
	d.creator.changed = true
	d.changes++
	return v
}

// consider hands an event to the engine.
func (d *Driver) consider(e *event.Event) {
	d.takeOver(d.engine.Insert(e))
}

// takeOver takes over rounds from the engine.
func (d *Driver) takeOver(rounds []consensus.Round) {
	for _, r := range rounds {
		s := r.Snapshot
		r.Snapshot = nil
		d.decided(r)
		copy(d.thresholds[:], d.thresholds[1:])
		d.thresholds[len(d.thresholds)-1] = r.Ancient
		if s != nil {
			d.ready.Snapshots = append(d.ready.Snapshots, d.complete(*s, r.Ancient))
		}
	}
	d.window.age(d.engine.Ancient())
}

// decided takes note of a round.
func (d *Driver) decided(r consensus.Round) {
	d.sweep = true
	d.decidedAt = d.time
	d.creator.vain = 0
	d.ready.Ordered = append(d.ready.Ordered, r)
	for i := range r.Events {
		if v := d.window.byID[r.Events[i].Event.ID()]; v != nil {
			d.window.settle(v)
		}
	}
	for _, e := range r.Stale {
		if e.Creator == d.self && e.Transactions() > 0 && d.boot.active && e.Seq >= d.creator.incarnation {
			d.ready.Stale = append(d.ready.Stale, e)
		}
	}
}
