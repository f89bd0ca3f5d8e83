package driver

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// vertex is an event that was taken in.
type vertex struct {
	event      *event.Event
	index      uint64    // counts what was taken in; parents have a lower one
	selfParent *vertex   // nil if absent, let go, or not what the event claims
	parents    []*vertex // those held when the event was taken in
	learned    int64     // when it was taken in, by this node's clock
	since      int64     // the same in the driver's own time
	own        uint64    // highest sequence number of this node's chain among its ancestors, itself included
	gap        uint64    // highest claimed birth round of a parent not held, its own or an ancestor's; 0 if none
	chainGap   uint64    // the same of its own parents and those of its self-ancestors alone
	firm       bool      // an event of a creator that had not forked descends from it, or it is one itself
	unordered  bool      // firm, has payload and is neither ordered nor ancient
	settled    bool      // ordered or ancient
	ancient    bool
	vouched    bool    // the first of a branch beyond the limit, taken in at the word of voucher
	voucher    int     // a member
	last       bool    // let go, but for being its creator's last word
	gone       bool    // let go
	known      members // peers known to have it
	sent       members // peers it was sent to, the last of them at sentAt
	sentAt     int64   // in the driver's own time
	handed     members // peers to which it was handed out because they asked
	visited    uint64  // the last walk that came by
	wanted     uint64  // the last walk that began here at a peer's wish
	covered    uint64  // the last walk for which the chain of one of the peer's tips leads here
}

// matches tells whether v is what the parent claim says.
func (v *vertex) matches(p *event.Parent) bool {
	e := v.event
	return e.Creator == p.Creator && e.Seq == p.Seq && e.BirthRound == p.BirthRound
}

// descends tells whether the self-chain of v leads to a, which is of the same creator.
func (v *vertex) descends(a *vertex) bool {
	for v != nil && !v.gone && !a.gone && v.event.Seq > a.event.Seq {
		v = v.selfParent
	}
	return v == a
}

// window holds the events that are not ancient, and of the ancient ones the latest, for peers that lag.
type window struct {
	limits  *Limits
	byID    map[event.ID]*vertex
	byRound map[uint64][]*vertex // by birth round: those that are not ancient
	ancient uint64               // events born before this round are
	old     queue                // the ancient ones, oldest first
	older   queue                // those that were recollected, before all of old
	bytes   int                  // payload of all that is held
	tips    [][]*vertex          // by creator: the ends of its branches, ascending by sequence number, then by ID
	recent  []int                // by creator: how many of its events are not ancient
	vouched []int                // by voucher: how many are not ancient
	next    uint64               // index of the next vertex
	earlier uint64               // index of the next one that is recollected

	unorderedEvents, unorderedBytes int // those with payload that wait for the order
}

// stackSize is the capacity with which walks through the window begin: enough for most of them, and small enough to
// be no allocation.
const stackSize = 64

// queue is a queue of vertices and the sum of their payloads.
type queue struct {
	list  []*vertex
	bytes int
}

func (q *queue) push(v *vertex) {
	q.list = append(q.list, v)
	q.bytes += len(v.event.Payload)
}

func (q *queue) pop() *vertex {
	v := q.list[0]
	q.list = q.list[1:]
	q.bytes -= len(v.event.Payload)
	return v
}

func newWindow(members int, limits *Limits) *window {
	return &window{
		limits:  limits,
		byID:    make(map[event.ID]*vertex),
		byRound: make(map[uint64][]*vertex),
		ancient: 1,
		tips:    make([][]*vertex, members),
		recent:  make([]int, members),
		vouched: make([]int, members),
		next:    firstIndex,
	}
}

// firstIndex leaves room for the indices of what is recollected, which was taken in before.
const firstIndex = 1 << 62

// add takes in an event of the given birth round, which is not ancient, and links it to those of its parents that
// are held. Self is this node's index.
func (w *window) add(e *event.Event, self int) *vertex {
	v := &vertex{event: e, index: w.next, parents: make([]*vertex, 0, len(e.Parents))}
	w.next++
	for i := range e.Parents {
		p := w.byID[e.Parents[i].ID]
		if p == nil {
			v.chainGap = max(v.chainGap, e.Parents[i].BirthRound)
			continue
		}
		v.gap = max(v.gap, p.gap)
		v.parents = append(v.parents, p)
		v.own = max(v.own, p.own)
		if i == 0 && e.Seq > 1 && p.matches(&e.Parents[i]) {
			v.selfParent = p
			v.chainGap = max(v.chainGap, p.chainGap)
		}
	}
	v.gap = max(v.gap, v.chainGap)
	if e.Creator == self {
		v.own = max(v.own, e.Seq)
	}
	w.byID[e.ID()] = v
	w.byRound[e.BirthRound] = append(w.byRound[e.BirthRound], v)
	w.recent[e.Creator]++
	w.bytes += len(e.Payload)
	w.addTip(v)
	switch {
	case w.branches(e.Creator) <= 1:
		w.confirm(v)
	case w.forked() > faulty(len(w.tips)):
		w.confirmAll()
	}
	return v
}

// remember keeps an ancient event as its creator's last word and nothing else, unless a later one is held.
func (w *window) remember(e *event.Event) {
	if tips := w.tips[e.Creator]; len(tips) > 0 && tips[len(tips)-1].event.Seq >= e.Seq {
		return
	}
	v := &vertex{event: e, index: w.next, settled: true, ancient: true, last: true}
	w.next++
	w.byID[e.ID()] = v
	w.bytes += len(e.Payload)
	w.addTip(v)
}

// vouch notes at whose word a branch beyond the limit was taken in.
func (w *window) vouch(v *vertex, voucher int) {
	if !v.ancient {
		v.vouched, v.voucher = true, voucher
		w.vouched[voucher]++
	}
}

// confirm makes v and its ancestors firm. Payload counts as work to be done only where it is firm: on the branches
// of a fork each node may hold other events, to which none refers. If each made events for the sake of those, too
// few would join in with any one.
func (w *window) confirm(v *vertex) {
	stack := append(make([]*vertex, 0, stackSize), v)
	for len(stack) > 0 {
		v = stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v.gone || v.firm {
			continue
		}
		v.firm = true
		stack = append(stack, v.parents...)
		if v.event.Transactions() > 0 && !v.settled {
			v.unordered = true
			w.unorderedEvents++
			w.unorderedBytes += len(v.event.Payload)
		}
	}
}

// confirmAll makes all that is held firm: more creators have forked than there may be liars, as when all machines lost
// power and with it the ends of their logs. If nobody worked for these, and no other was left, no round would ever be
// decided, and the forks would never be ancient.
func (w *window) confirmAll() {
	for _, tips := range w.tips {
		for _, t := range tips {
			w.confirm(t)
		}
	}
}

// forked counts the creators with several branches whose ends are not ancient.
func (w *window) forked() int {
	n := 0
	for c := range w.tips {
		if w.branches(c) > 1 {
			n++
		}
	}
	return n
}

// addTip makes v a tip in place of its self-parent and of its creator's last word before it.
func (w *window) addTip(v *vertex) {
	creator := v.event.Creator
	kept := w.tips[creator][:0]
	for _, t := range w.tips[creator] {
		if t.last && t.event.Seq < v.event.Seq {
			w.forget(t)
		} else if t != v.selfParent {
			kept = append(kept, t)
		}
	}
	kept = append(kept, v)
	slices.SortFunc(kept, func(a, b *vertex) int {
		x, y := a.event.ID(), b.event.ID()
		return cmp.Or(cmp.Compare(a.event.Seq, b.event.Seq), bytes.Compare(x[:], y[:]))
	})
	w.tips[creator] = kept
}

// branches counts the creator's branches whose ends are not ancient.
func (w *window) branches(creator int) int {
	n := 0
	for _, t := range w.tips[creator] {
		if !t.ancient {
			n++
		}
	}
	return n
}

// allTips returns every tip, as a message tells them.
func (w *window) allTips() []event.Tip {
	all := make([]event.Tip, 0, len(w.tips))
	for creator, tips := range w.tips {
		for _, t := range tips {
			all = append(all, event.Tip{Creator: creator, Seq: t.event.Seq, ID: t.event.ID()})
		}
	}
	return all
}

// settle notes that the vertex waits for the order no longer.
func (w *window) settle(v *vertex) {
	v.settled = true
	if v.unordered {
		v.unordered = false
		w.unorderedEvents--
		w.unorderedBytes -= len(v.event.Payload)
	}
}

// age raises the ancient threshold and lets go of what is beyond the limits.
func (w *window) age(ancient uint64) {
	for ; w.ancient < ancient; w.ancient++ {
		for _, v := range w.byRound[w.ancient] {
			v.ancient = true
			w.settle(v)
			w.recent[v.event.Creator]--
			if v.vouched {
				w.vouched[v.voucher]--
			}
			w.old.push(v)
		}
		delete(w.byRound, w.ancient)
	}
	w.trim()
}

// trim lets go of the oldest ancient events beyond the limits.
func (w *window) trim() {
	for len(w.older.list)+len(w.old.list) > w.limits.KeptEvents || w.older.bytes+w.old.bytes > w.limits.KeptBytes {
		if len(w.older.list) > 0 {
			w.retire(w.older.pop())
		} else {
			w.retire(w.old.pop())
		}
	}
}

// retire lets go of a vertex, unless it is the highest tip of its creator: what a node that lost its memory asks
// for is its own last event, however old.
func (w *window) retire(v *vertex) {
	tips := w.tips[v.event.Creator]
	at := slices.Index(tips, v)
	if at >= 0 && at == len(tips)-1 {
		v.last = true
		return
	}
	if at >= 0 {
		w.tips[v.event.Creator] = slices.Delete(tips, at, at+1)
	}
	w.forget(v)
}

// forget cuts a vertex off, so that nothing before it is kept by what came after it.
func (w *window) forget(v *vertex) {
	delete(w.byID, v.event.ID())
	w.bytes -= len(v.event.Payload)
	v.gone, v.event, v.selfParent, v.parents = true, nil, nil, nil
}

// mark notes that the peer has v and with it all its ancestors.
func (w *window) mark(v *vertex, peer int) {
	if v.known.has(peer) {
		return
	}
	v.known.add(peer)
	stack := append(make([]*vertex, 0, stackSize), v)
	for len(stack) > 0 {
		v = stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, p := range v.parents {
			if !p.gone && !p.known.has(peer) {
				p.known.add(peer)
				stack = append(stack, p)
			}
		}
	}
}

// unmark forgets what the peer was thought to have, or only what it was sent.
func (w *window) unmark(peer int, known bool) {
	for _, v := range w.byID { // no order: each is changed by itself
		v.sent.remove(peer)
		v.handed.remove(peer)
		if known {
			v.known.remove(peer)
		}
	}
}

// extendsTip tells whether e continues a branch rather than opening one.
func (w *window) extendsTip(e *event.Event) bool {
	sp := e.SelfParent()
	if sp == nil {
		return false
	}
	p := w.byID[sp.ID]
	return p != nil && p.matches(sp) && slices.Contains(w.tips[e.Creator], p)
}
