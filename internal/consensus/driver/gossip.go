package driver

import (
	"cmp"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

const (
	// bulk is how many events in one message say that it is not a push but part of a longer answer, which is so, too, if they
	// take half of what a message may hold.
	bulk = 16
	// eventOverhead estimates the bytes of an event without parents and payload, parentSize those of a parent, tipSize those
	// of a tip.
	eventOverhead, parentSize, tipSize = 160, 48, 40
)

// peer is what is known of one peer.
type peer struct {
	connected bool
	booting   bool             // its last message said so
	answered  bool             // it has answered this node's Boot
	ownTips   []event.Tip      // its tips of this node's own chain, as it last told them
	reached   uint64           // the highest birth round of what it sent: it was deciding that round since its start
	wants     int              // events that are asked for at its word
	unasked   bool             // more were to be asked for than may be
	asked     int              // how often it was asked since it last answered
	listens   int64            // when it may be asked again though it has not answered, in the driver's own time
	echo      uint64           // highest own sequence number from which an event of it descends
	measured  uint64           // the one by which its delay was last measured
	delay     int64            // estimated one-way delay in ns
	forks     uint64           // branches of its chain that came beside another
	handed    uint64           // bytes that it was sent because it asked
	again     uint64           // those of them that it had been handed before
	toldAt    int64            // when it was last told the tips, in the driver's own time
	told      uint64           // how many events had been taken in then
	out       []*event.Message // to be sent; the last one may still grow
	outEvents int              // events in the last one
	outBytes  int              // and their bytes, about
}

// send lets a message leave with the next Ready.
func (d *Driver) send(to int, m *event.Message) {
	p := &d.peers[to]
	if to != d.self && p.connected {
		p.out = append(p.out, m)
		p.outEvents, p.outBytes = d.limits.MessageEvents, 0
	}
}

// sendEvents lets events leave with the next Ready, in as few messages as may be.
func (d *Driver) sendEvents(to int, list []*vertex) {
	p := &d.peers[to]
	if to == d.self || !p.connected {
		return
	}
	for _, v := range list {
		size := sizeOf(v.event)
		if len(p.out) == 0 || p.outEvents >= d.limits.MessageEvents || p.outBytes+size > d.limits.MessageBytes {
			d.send(to, &event.Message{})
			p.outEvents, p.outBytes = 0, 0
		}
		m := p.out[len(p.out)-1]
		m.Events = append(m.Events, v.event)
		p.outEvents++
		p.outBytes += size
		d.noteSent(v, to)
	}
}

func sizeOf(e *event.Event) int { return eventOverhead + parentSize*len(e.Parents) + len(e.Payload) }

// memory returns for how many ns what was sent to the peer counts as being there: two round trips.
func (d *Driver) memory(peer int) int64 { return min(max(4*d.peers[peer].delay, 20e6), 2e9) }

func (d *Driver) noteSent(v *vertex, to int) {
	if d.time-v.sentAt > d.memory(to) {
		v.sent = members{}
	}
	v.sent.add(to)
	v.sentAt = d.time
}

func (d *Driver) wasSent(v *vertex, to int) bool {
	return v.sent.has(to) && d.time-v.sentAt <= d.memory(to)
}

// push sends an own event to every peer, and before it those of its ancestors that the peer may have missed.
func (d *Driver) push(own *vertex) {
	for p := range d.peers {
		if p != d.self && d.peers[p].connected {
			d.sendEvents(p, append(d.missedBy(p, own), own))
		}
	}
}

// missedBy returns the ancestors that the peer is not known to have although their creators pushed them more than
// a round trip ago. If it lacks too many, a few would not help: it is left to ask for them.
func (d *Driver) missedBy(peer int, own *vertex) []*vertex {
	limit := 16 * len(d.peers)
	old := d.time - 2*d.peers[peer].delay
	var missed []*vertex
	visited := 0
	d.walk(own.parents, func(v *vertex) bool {
		visited++
		if v.ancient || visited > limit || v.known.has(peer) || d.wasSent(v, peer) {
			return false
		}
		if v.since <= old {
			missed = append(missed, v)
		}
		return true
	})
	if visited > limit {
		return nil
	}
	return missed
}

// walk visits vertices and their ancestors, each once, going on from those of which into is true; then those for
// which it was true stand in no particular order.
func (d *Driver) walk(from []*vertex, into func(*vertex) bool) {
	d.visit++
	stack := append(make([]*vertex, 0, stackSize), from...)
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v.gone || v.visited == d.visit {
			continue
		}
		v.visited = d.visit
		if into(v) {
			stack = append(stack, v.parents...)
		}
	}
}

// answer sends what a peer asked for, and of its ancestors those that the peer's tips do not cover, parents first.
func (d *Driver) answer(peer int, m *event.Message) {
	covers := d.coverage(m.Tips)
	var wanted, list []*vertex
	for _, id := range m.Want {
		if v := d.window.byID[id]; v != nil {
			wanted = append(wanted, v)
			v.wanted = d.visit + 1
		}
	}
	d.walk(wanted, func(v *vertex) bool {
		explicit := v.wanted == d.visit
		if !explicit && covers(v) {
			return false
		}
		if explicit || !d.wasSent(v, peer) {
			list = append(list, v)
		}
		return true
	})
	slices.SortFunc(list, byIndex)
	list = d.cut(list)
	d.handOut(peer, list)
	d.sendEvents(peer, list)
}

// handOut notes what a peer is sent because it asked. A correct one seldom asks for what it was handed: an answer is lost
// with the connection only, or it came too late or too early to be kept.
func (d *Driver) handOut(peer int, list []*vertex) {
	p := &d.peers[peer]
	for _, v := range list {
		size := uint64(sizeOf(v.event))
		p.handed += size
		if v.handed.has(peer) {
			p.again += size
		}
		v.handed.add(peer)
	}
}

// Dropped returns how many events were refused or forgotten since the start.
func (d *Driver) Dropped() uint64 { return d.dropped }

// Handed returns how many bytes a peer was sent since the start because it asked, about, and how many of them it had been
// handed before.
func (d *Driver) Handed(peer int) (all, again uint64) {
	return d.peers[peer].handed, d.peers[peer].again
}

// long tells whether these events are part of a longer answer.
func (d *Driver) long(events []*event.Event) bool {
	size := 0
	for _, e := range events {
		size += sizeOf(e)
	}
	return len(events) >= bulk || size >= d.limits.MessageBytes/2
}

func byIndex(a, b *vertex) int { return cmp.Compare(a.index, b.index) }

// cut returns as much of the list as one message may hold.
func (d *Driver) cut(list []*vertex) []*vertex {
	size := 0
	for i, v := range list {
		size += sizeOf(v.event)
		if i >= d.limits.MessageEvents || i > 0 && size > d.limits.MessageBytes {
			return list[:i]
		}
	}
	return list
}

// coverage returns a function that tells, during the next walk, whether a node with these tips holds an event. Where
// a creator forked, it goes down the chains of the tips as far as it has to, and each step only once.
func (d *Driver) coverage(tips []event.Tip) func(*vertex) bool {
	held := make([][]*vertex, len(d.peers)) // those of the tips that are held here, then what is below them
	top := make([]uint64, len(d.peers))     // of the others the highest that is beyond all that is held here
	for _, t := range tips {
		if t.Creator >= len(d.peers) {
			continue
		}
		if v := d.window.byID[t.ID]; v != nil && v.event.Creator == t.Creator {
			held[t.Creator] = append(held[t.Creator], v)
			v.covered = d.visit + 1
		} else if own := d.window.tips[t.Creator]; len(own) == 1 && t.Seq > own[0].event.Seq {
			top[t.Creator] = t.Seq
		}
	}
	return func(v *vertex) bool {
		c := v.event.Creator
		if v.event.Seq <= top[c] {
			return true
		}
		for i, t := range held[c] {
			if t.event.Seq >= v.event.Seq && len(d.window.tips[c]) == 1 {
				return true
			}
			for t.event.Seq > v.event.Seq && t.selfParent != nil && !t.selfParent.gone {
				t = t.selfParent
				t.covered = d.visit
			}
			held[c][i] = t
		}
		return v.covered == d.visit
	}
}

// receiveTips notes what the peer has and asks for what it has and this node lacks.
func (d *Driver) receiveTips(from int, m *event.Message) {
	p := &d.peers[from]
	if m.Answer && !p.answered {
		p.answered, d.boot.heard = true, d.time
	}
	d.wantUnasked(from)
	p.ownTips = p.ownTips[:0]
	for _, t := range m.Tips {
		if t.Creator == d.self && len(p.ownTips) < d.limits.Branches {
			p.ownTips = append(p.ownTips, t)
			d.boot.told = t.ID
		}
		if v := d.window.byID[t.ID]; v != nil {
			d.window.mark(v, from)
		} else if d.waiting.byID[t.ID] == nil && !d.expired.has(t.ID) {
			d.want(t.ID, from, true)
		}
	}
}

// tellTips sends the peer this node's tips; while it observes it asks for the peer's.
func (d *Driver) tellTips(to int) {
	p := &d.peers[to]
	p.toldAt, p.told = d.time, d.changes
	d.send(to, &event.Message{Tips: d.window.allTips(), Boot: !d.boot.active})
}

// tipsDue returns when the peer is to be told the tips, in the driver's own time.
func (d *Driver) tipsDue(to int) int64 {
	p := &d.peers[to]
	if to == d.self || !p.connected {
		return never
	}
	period := d.policy.IdleTips
	if p.told != d.changes || d.window.unorderedEvents > 0 || len(d.wants.list) > 0 || !d.boot.active {
		period = d.policy.BusyTips
	}
	spread := int64((d.self*7 + to*3) % 16)
	return p.toldAt + period + period*spread/64
}

// echo notes that an event of the peer descends from the own event with this number.
func (d *Driver) echo(peer int, own uint64) {
	if peer != d.self {
		d.peers[peer].echo = max(d.peers[peer].echo, own)
		d.measure(peer, own)
	}
}

// echoLate does the same for an event that came too late to be taken in: all it gives away is the delay. Without
// that, whoever is too far away to be heard in time would never be waited for.
func (d *Driver) echoLate(e *event.Event) {
	for i := range e.Parents {
		if p := &e.Parents[i]; p.Creator == d.self && e.Creator != d.self {
			d.measure(e.Creator, p.Seq)
		}
	}
}
