package literal_test

import (
	"fmt"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// ledger follows one node's decided rounds and checks what must hold of them, whatever the definitions say.
type ledger struct {
	members int
	last    int64 // time of the last transaction
	ancient uint64
	rounds  uint64
	ordered map[event.ID]*event.Event
	stale   map[event.ID]bool
	claims  map[event.ID][]*event.Event // by parent, the ordered events that claim it
	creator map[event.ID]int            // of every event inserted
}

func newLedger(members int) *ledger {
	return &ledger{
		members: members, ordered: map[event.ID]*event.Event{}, stale: map[event.ID]bool{},
		claims: map[event.ID][]*event.Event{}, creator: map[event.ID]int{},
	}
}

// know notes an inserted event.
func (l *ledger) know(ev *event.Event) { l.creator[ev.ID()] = ev.Creator }

func (l *ledger) add(r consensus.Round) error {
	l.rounds++
	switch {
	case r.Number != l.rounds:
		return fmt.Errorf("rounds are decided in order: %d after %d", r.Number, l.rounds-1)
	case len(r.Judges) < 2*l.members/3+1:
		return fmt.Errorf("≥ q judges a round: round %d has %d", r.Number, len(r.Judges))
	case r.Ancient < l.ancient:
		return fmt.Errorf("the ancient threshold only rises: from %d to %d", l.ancient, r.Ancient)
	}
	l.ancient = r.Ancient
	creators := map[int]bool{}
	for _, j := range r.Judges {
		if c := l.creator[j]; creators[c] {
			return fmt.Errorf("one judge a creator: round %d has two of %d", r.Number, c)
		} else {
			creators[c] = true
		}
	}
	for _, o := range r.Events {
		if err := l.order(o); err != nil {
			return err
		}
	}
	for _, ev := range r.Stale {
		if l.ordered[ev.ID()] != nil || l.stale[ev.ID()] {
			return fmt.Errorf("a stale event is ordered nowhere: %s", ev.ID())
		}
		l.stale[ev.ID()] = true
	}
	return nil
}

func (l *ledger) order(o consensus.Ordered) error {
	id := o.Event.ID()
	switch {
	case l.ordered[id] != nil:
		return fmt.Errorf("each event once: %s again", id)
	case l.stale[id]:
		return fmt.Errorf("a stale event is ordered nowhere: %s", id)
	case o.Time <= l.last:
		return fmt.Errorf("times strictly increase: %d after %d", o.Time, l.last)
	}
	for _, child := range l.claims[id] {
		if truly(child, o.Event) {
			return fmt.Errorf("parent before child: %s after %s", id, child.ID())
		}
	}
	l.last = o.Time + 1000*int64(max(0, o.Event.Transactions()-1))
	l.ordered[id] = o.Event
	for _, p := range o.Event.Parents {
		l.claims[p.ID] = append(l.claims[p.ID], o.Event)
	}
	return nil
}

// truly reports whether parent is what child claims it to be.
func truly(child, parent *event.Event) bool {
	for i, p := range child.Parents {
		if p.ID == parent.ID() && p.Creator == parent.Creator && p.Seq == parent.Seq && p.BirthRound == parent.BirthRound {
			return child.Seq == 1 || i > 0 || child.Time > parent.Time
		}
	}
	return false
}
