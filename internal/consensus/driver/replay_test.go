package driver

import (
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// life is what one node alone wrote down and had ordered.
type life struct {
	log     []*event.Event
	ordered []consensus.Round
	taken   Snapshot // after half of it
	half    int      // rounds ordered by then
}

// live lets a cluster of one order a number of transactions, one by one.
func live(count int) life {
	n := start(1, 0)
	var l life
	for i := range count {
		n.load.waiting = 1
		n.Submitted(int64(i+1) * 100 * ms)
		r := n.Ready()
		l.log = append(l.log, r.Persist...)
		l.ordered = append(l.ordered, r.Ordered...)
		if i == count/2 {
			l.taken, l.half = n.Snapshot(), len(l.ordered)
		}
		n.Advance()
	}
	return l
}

// replay lets a driver read a log, in pieces.
func replay(n *node, log []*event.Event) (ordered []consensus.Round, wrote int) {
	for piece := range slices.Chunk(log, 7) {
		n.Replay(piece, 1e12)
		r := n.settle()
		ordered = append(ordered, r.Ordered...)
		wrote += len(r.Persist)
	}
	return ordered, wrote
}

func numbers(rounds []consensus.Round) []uint64 {
	list := make([]uint64, len(rounds))
	for i := range rounds {
		list[i] = rounds[i].Number
	}
	return list
}

// checkGoesOn lets the node make an event and compares it with the last one before.
func checkGoesOn(t *testing.T, n *node, last *event.Event) {
	t.Helper()
	n.load.waiting = 1
	n.Submitted(2e12)
	n.settle()
	if len(n.made) == 0 || n.made[0].Seq != last.Seq+1 || n.made[0].SelfParent().ID != last.ID() {
		t.Fatalf("after %d it made %v", last.Seq, n.made)
	}
	if n.load.incarnation != last.Seq+1 {
		t.Errorf("its incarnation is %d", n.load.incarnation)
	}
}

func TestReplayOrdersAgain(t *testing.T) {
	l := live(100)
	n := start(1, 0)
	ordered, wrote := replay(n, l.log)
	if wrote > 0 || !slices.Equal(numbers(ordered), numbers(l.ordered)) {
		t.Errorf("it wrote %d events again and ordered %v", wrote, numbers(ordered))
	}
	checkGoesOn(t, n, l.log[len(l.log)-1])
}

// The log begins long before the snapshot, as it does when a node dies before it has cut it off.
func TestReplayFromASnapshot(t *testing.T) {
	l := live(100)
	n := &node{}
	var err error
	if n.Driver, err = Restore(Config{Members: 1, Source: &n.load}, l.taken, 1e12); err != nil {
		t.Fatal(err)
	}
	ordered, wrote := replay(n, l.log)
	if wrote > 0 || !slices.Equal(numbers(ordered), numbers(l.ordered[l.half:])) {
		t.Errorf("it wrote %d events again and ordered %v", wrote, numbers(ordered))
	}
	checkGoesOn(t, n, l.log[len(l.log)-1])
}

// A node that goes on from a peer's snapshot and has made an event that nobody else holds makes none until that one
// is ancient, and then goes on from it.
func TestOwnLastEventOutsideTheSnapshot(t *testing.T) {
	lost := event.Parent{Creator: 1, Seq: 3, BirthRound: 1, ID: event.ID{1}}
	last := makeEvent(t, event.Event{Seq: 1, BirthRound: 1, Time: 5, Parents: []event.Parent{lost}})
	n := &node{}
	var err error
	s := Snapshot{Last: []*event.Event{last}}
	if n.Driver, err = Restore(Config{Members: 4, Source: &n.load}, s, ms); err != nil {
		t.Fatal(err)
	}
	n.load.waiting = 1
	n.Submitted(ms)
	n.answerBoot(ms, nil, 1, 2, 3)
	if n.settle(); len(n.made) > 0 {
		t.Fatal("it made an event beside its last one")
	}
	if again := n.Snapshot(); n.Own() != last || len(again.Last) != 1 || again.Last[0] != last {
		t.Error("its last event is forgotten before it is held")
	}
	n.window.age(2)
	n.Tick(2 * ms)
	if n.settle(); len(n.made) != 1 || n.made[0].Seq != 2 {
		t.Errorf("it made %v", n.made)
	}
}

// A peer that lags tells of an own event that this node does not hold any more. There is nothing to wait for.
func TestEarlierOwnTipIsMet(t *testing.T) {
	before := event.Parent{Seq: 8, BirthRound: 1, ID: event.ID{8}}
	last := makeEvent(t, event.Event{Seq: 9, BirthRound: 1, Time: 5, Parents: []event.Parent{before}})
	n := &node{}
	var err error
	s := Snapshot{Snapshot: consensus.Snapshot{Events: []*event.Event{last}}}
	if n.Driver, err = Restore(Config{Members: 4, Source: &n.load}, s, ms); err != nil {
		t.Fatal(err)
	}
	n.load.waiting = 1
	n.answerBoot(ms, []event.Tip{{Seq: 7, ID: event.ID{1}}}, 1, 2)
	if n.settle(); len(n.made) != 1 || n.made[0].Seq != 10 {
		t.Errorf("it made %v", n.made)
	}
}

// What a node took in after its last event is news also after a restart. If it was not, nodes that have all made as
// many events as they may that nobody echoed would wait for each other.
func TestNewsOutlivesARestart(t *testing.T) {
	n := start(4, 0)
	var log []*event.Event
	for creator := range 3 {
		log = append(log, makeEvent(t, event.Event{Creator: creator, Seq: 1, BirthRound: 1, Time: 1}))
	}
	replay(n, log)
	n.answerBoot(1e12, nil, 1, 2)
	if !n.creator.news.has(1) || !n.creator.news.has(2) || n.creator.news.count() != 2 {
		t.Errorf("news of %d members", n.creator.news.count())
	}
}

// A peer that has started again has not taken back what it echoed.
func TestEchoOutlivesAPeersRestart(t *testing.T) {
	n := start(4, 0)
	for p := 1; p < 4; p++ {
		n.peers[p].echo = 7
	}
	n.Receive(1, &event.Message{Boot: true}, ms)
	if n.peers[1].echo != 7 {
		t.Errorf("echo %d", n.peers[1].echo)
	}
}

// The parents that a snapshot is without are ancient; that is no reason not to build on their children at once.
func TestSnapshotKeepsWhatWasHeld(t *testing.T) {
	l := live(100)
	d, err := Restore(Config{Members: 1, Source: &load{}}, l.taken, 1e12)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range l.taken.Events {
		if gap := d.window.byID[e.ID()].gap; gap > 0 {
			t.Errorf("event %d has a gap up to round %d", e.Seq, gap)
		}
	}
}
