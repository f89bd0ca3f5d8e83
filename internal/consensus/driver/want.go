package driver

import (
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

const (
	// maxWants bounds the events that are asked for at a time at one peer's word, so that one that makes up events
	// by the thousand does not keep the node from asking for what others told of; and all of them fit into one
	// message. Those beyond it come up again when the peer next tells its tips.
	maxWants = event.MaxMessageIDs
	// maxTipAsks is how often an event is asked for that only a peer's tips told of; the next tips tell of it again.
	maxTipAsks = 3
	// maxAskDelay bounds, in ns, how long a push is waited for before its event is asked for.
	maxAskDelay = 100e6
	// minAskTimeout and maxAskTimeout bound the ns between two askings for the same event.
	minAskTimeout, maxAskTimeout = 20e6, 5e9
	// maxSilence bounds, in ns, for how long a peer that does not answer is not asked, unless it is far away: liars may have made
	// up all that it was asked for, and what comes next may be true.
	maxSilence = 500e6
)

// want is an event to ask for.
type want struct {
	id    event.ID
	from  int   // the peer at whose word it is asked for
	tip   bool  // only a peer's tips told of it; otherwise a waiting event needs it
	next  int   // the peer to ask next
	last  int   // the peer asked last; -1 if none was
	asked int   // how often it was asked for
	due   int64 // when to ask, or to ask again, in the driver's own time
}

// wants holds what is to be asked for, in the order in which it was learned of.
type wants struct {
	byID map[event.ID]*want
	list []*want
	due  int64 // the earliest due time, or before it
}

// want notes that id is to be asked for, of the peer first, unless it comes by itself in the time that a push of it
// may still be under way.
func (d *Driver) want(id event.ID, peer int, tip bool) {
	if w := d.wants.byID[id]; w != nil {
		w.tip = w.tip && tip
		return
	}
	if d.peers[peer].wants >= maxWants {
		d.peers[peer].unasked = true
		return
	}
	d.peers[peer].wants++
	due := d.time + min(d.peers[peer].delay, maxAskDelay)
	w := &want{id: id, from: peer, tip: tip, next: peer, last: -1, due: due}
	d.wants.byID[id] = w
	d.wants.list = append(d.wants.list, w)
	d.wants.due = min(d.wants.due, w.due)
}

// wantAll notes that these parents of an event that the peer sent are to be asked for, but for those that wait
// themselves.
func (d *Driver) wantAll(missing []event.ID, peer int) {
	for _, id := range missing {
		if d.waiting.byID[id] == nil {
			d.want(id, peer, false)
		}
	}
}

// wantUnasked notes what was too much to be asked for before, as far as it is needed still.
func (d *Driver) wantUnasked(peer int) {
	p := &d.peers[peer]
	if !p.unasked || p.wants >= maxWants {
		return
	}
	p.unasked = false
	for _, w := range d.waiting.peers[peer].list {
		d.wantAll(d.missing(w.event), peer)
	}
}

// listen notes that the peer may be asked.
func (d *Driver) listen(peer int) {
	p := &d.peers[peer]
	p.asked, p.listens = 0, 0
	d.wants.due = min(d.wants.due, d.time)
}

// hearAnswer notes that the peer may be asked again if there is an answer in what it sends.
func (d *Driver) hearAnswer(from int, events []*event.Event) {
	if d.peers[from].asked == 0 {
		return
	}
	answers := func(e *event.Event) bool {
		w := d.wants.byID[e.ID()]
		return w != nil && w.last == from
	}
	if d.long(events) || slices.ContainsFunc(events, answers) {
		d.listen(from)
	}
}

// needed tells whether w is still to be asked for.
func (d *Driver) needed(w *want) bool {
	if d.window.byID[w.id] != nil || d.waiting.byID[w.id] != nil {
		return false
	}
	if w.tip {
		return w.asked < maxTipAsks && !d.expired.has(w.id)
	}
	for _, c := range d.waiting.children[w.id] {
		if d.lacks(c.event, w.id) {
			return true
		}
	}
	return false
}

// ask asks for what is due and still needed. No peer is asked again before it has answered or had the time to: whoever
// catches up needs hundreds of answers, and learns from every event that somebody pushes of more that it lacks. Questions
// without end would all be about the same, and who reads a peer the more slowly the more it asks would come to the last of
// them, which counts, much later.
func (d *Driver) ask() {
	if d.time < d.wants.due {
		return
	}
	if free := d.free(0); d.time < free {
		d.wants.due = free
		return
	}
	due, late := make([][]event.ID, len(d.peers)), false
	d.wants.due = never
	d.wants.list = slices.DeleteFunc(d.wants.list, func(w *want) bool {
		if w.due <= d.time {
			if !d.needed(w) {
				delete(d.wants.byID, w.id)
				d.peers[w.from].wants--
				return true
			}
			if d.spares(w) {
				late = true
				d.wants.due = min(d.wants.due, w.due+maxSilence)
				return false
			}
			if !d.askFor(w, due) {
				late = true
				return false
			}
		}
		d.wants.due = min(d.wants.due, w.due)
		return false
	})
	for p, ids := range due {
		if len(ids) > 0 {
			d.send(p, &event.Message{Want: ids, Tips: d.window.allTips()})
			d.peers[p].listens = d.time + min(d.askTimeout(p, d.peers[p].asked), max(d.askTimeout(p, 0), maxSilence))
			d.peers[p].asked++
		}
	}
	if late {
		d.wants.due = min(d.wants.due, d.free(d.time+1))
	}
}

// free returns when the first of the connected peers may be asked that may not before from, in the driver's own time.
func (d *Driver) free(from int64) int64 {
	at := int64(never)
	for p := range d.peers {
		if d.peers[p].connected && d.peers[p].listens >= from {
			at = min(at, d.peers[p].listens)
		}
	}
	return at
}

// askTimeout returns for how many ns an answer of the peer is waited for, which did not answer so often.
func (d *Driver) askTimeout(peer, asked int) int64 {
	timeout := max(int64(minAskTimeout), 8*d.peers[peer].delay)
	return min(timeout<<min(asked, 8), maxAskTimeout)
}

// spares tells whether w waits for its first asking until the peer at whose word it is asked for may be asked: that one has
// it, if it does not lie, and the others need not, unless another one has come since.
func (d *Driver) spares(w *want) bool {
	p := &d.peers[w.from]
	first := w.last < 0 && w.next%len(d.peers) == w.from
	return first && p.connected && d.time < p.listens && d.time < w.due+maxSilence
}

// askFor adds w to what is due to be asked of the peer whose turn it is, or of the next one that may be asked, and reports
// whether there is one. It is not the one that was asked last, unless there is no other.
func (d *Driver) askFor(w *want, due [][]event.ID) bool {
	for range d.peers {
		w.next %= len(d.peers)
		to := w.next
		w.next++
		p := &d.peers[to]
		if p.connected && d.time >= p.listens && len(due[to]) < event.MaxMessageIDs && (to != w.last || d.alone(to)) {
			due[to] = append(due[to], w.id)
			w.last = to
			w.due = d.time + d.askTimeout(to, w.asked)
			w.asked++
			return true
		}
	}
	return false
}

// alone tells whether no other peer is connected.
func (d *Driver) alone(peer int) bool {
	for p := range d.peers {
		if p != peer && d.peers[p].connected {
			return false
		}
	}
	return true
}

// askOn asks at once for what the peer was asked for and has not sent: its answer was cut at the limits of a message. The
// next peer is asked, or else one that sent enough of something else would keep the question to itself. It is called only
// when something of that was taken in: two nodes of which one refuses what the other hands out would ask and answer
// without end.
func (d *Driver) askOn(peer int) {
	for _, w := range d.wants.list {
		if w.last == peer {
			w.asked, w.due = 0, d.time
			d.wants.due = d.time
		}
	}
}

// askAfresh asks at once for everything: a peer has been connected, and it may be the one that can help.
func (d *Driver) askAfresh(peer int) {
	for _, w := range d.wants.list {
		w.next, w.asked, w.due = peer, 0, d.time
		d.wants.due = d.time
	}
}
