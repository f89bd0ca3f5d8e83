package driver

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// A peer that hands out a snapshot may lie. What a supermajority has signed of it is its Anchor, and with that it is
// bound in all that agreement rests on:
//
//   - Round, Judges, Births, Time and Thresholds are in the anchor. They are the same on all members that decided the
//     round.
//   - So are the IDs of the judges and their ancestors. None of these can be left out, or the receiver would compute
//     other rounds; none can be changed, for an ID commits to the payload and the parents; none can be added.
//   - All other Events are not certified. One beside whose parents some are left out would count for something else
//     than it does elsewhere, so the receiver drops them all. It fetches what is real of them from its peers, as it
//     fetches all that came later, and the order in which events come does not matter.
//   - Gaps say which events not to build on yet because others may still be unable to take them in. The receiver takes
//     all to be 0: whoever decides the round has to take in the ancestors of its judges in any case.
//   - Last holds events that decide nothing any more, each signed by its creator, at most one of each. One that is left
//     out is one that the receiver cannot tell its creator of if that has lost its memory; it asks n−f members, of
//     which the receiver then is one that never knew. What the receiver's own last event is, n−f members tell, too,
//     and AddLast. One that a liar made up is on its own chain.
//   - Signatures are not part of IDs. The receiver verifies them: EachEvent.
//
// So a lie costs the receiver the time until it asks another peer.

// Check tells whether a snapshot, of a round that was decided, has the shape that one by a correct member has in a
// cluster of so many; nothing in it is used before that. It does not tell whether it is that of the cluster: the Anchor
// does.
func (s *Snapshot) Check(members int) error {
	if err := s.checkNumbers(); err != nil {
		return err
	}
	index, err := s.checkEvents(members)
	if err != nil {
		return err
	}
	if err := s.checkJudges(members, index); err != nil {
		return err
	}
	last := -1
	for _, e := range s.Last {
		if e.Creator <= last || e.Creator >= members {
			return bad("last events out of order")
		}
		last = e.Creator
	}
	return nil
}

// maxNumber bounds rounds and times, so that there is room to count on.
const maxNumber = 1 << 62

func (s *Snapshot) checkNumbers() error {
	births, thresholds := s.Births, s.Thresholds
	switch {
	case s.Round == 0 || s.Round > maxNumber || s.Time < 0 || s.Time > maxNumber:
		return bad("round %d or time %d out of range", s.Round, s.Time)
	case len(births) == 0 || len(births) > maxBirths || uint64(len(births)) > s.Round || !slices.IsSorted(births):
		return bad("births of %d rounds", len(births))
	case births[0] == 0 || births[len(births)-1] > s.Round:
		return bad("births from %d to %d", births[0], births[len(births)-1])
	case len(thresholds) != margin || !slices.IsSorted(thresholds) || thresholds[margin-1] != births[0]:
		return bad("thresholds %d, births from %d on", thresholds, births[0])
	case len(s.Gaps) > len(s.Events):
		return bad("%d gaps of %d events", len(s.Gaps), len(s.Events))
	}
	return nil
}

// checkEvents returns the events by ID, with their places.
func (s *Snapshot) checkEvents(members int) (map[event.ID]int, error) {
	index := make(map[event.ID]int, len(s.Events))
	for i, e := range s.Events {
		index[e.ID()] = i
		switch {
		case e.Creator >= members:
			return nil, bad("event %v is by nobody", e.ID())
		case e.BirthRound < s.Births[0] || e.BirthRound > s.Round+1:
			return nil, bad("event %v born in round %d, not from %d to %d", e.ID(), e.BirthRound, s.Births[0], s.Round+1)
		}
	}
	if len(index) < len(s.Events) {
		return nil, bad("%d events, %d of them twice", len(s.Events), len(s.Events)-len(index))
	}
	for i, e := range s.Events {
		for k := range e.Parents {
			claim := &e.Parents[k]
			if at, held := index[claim.ID]; held && at > i && s.Events[at].BirthRound == claim.BirthRound {
				return nil, bad("event %v comes before a parent", e.ID())
			}
		}
	}
	return index, nil
}

func (s *Snapshot) checkJudges(members int, index map[event.ID]int) error {
	if len(s.Judges) <= members*2/3 {
		return bad("%d judges of %d members", len(s.Judges), members)
	}
	last := -1
	for _, id := range s.Judges {
		i, held := index[id]
		if !held {
			return bad("judge %v is not among the events", id)
		}
		if s.Events[i].Creator <= last {
			return bad("judges out of order")
		}
		last = s.Events[i].Creator
	}
	return nil
}

// Anchor names what members have to agree on of a snapshot: it is the same on all that decided the round, and names
// all that the comment above says. It is SHA-256 over that part of the encoding before Events, and the IDs of the
// judges and their ancestors, in ascending order.
func (s *Snapshot) Anchor() [sha256.Size]byte {
	common := s.Common()
	ids := make([]event.ID, len(common))
	for i, e := range common {
		ids[i] = e.ID()
	}
	slices.SortFunc(ids, func(a, b event.ID) int { return bytes.Compare(a[:], b[:]) })
	b := append([]byte("foxmq snapshot"), snapshotVersion)
	b = s.appendCertain(b)
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	return sha256.Sum256(b)
}

// Adopt returns what a receiver may go on from of a peer's snapshot, whose anchor has to be the certified one. It
// shares the events. What is left is that their signatures are verified, and the receiver's own last event added.
func (s *Snapshot) Adopt(members int, anchor [sha256.Size]byte) (*Snapshot, error) {
	if err := s.Check(members); err != nil {
		return nil, err
	}
	if s.Anchor() != anchor {
		return nil, bad("not the certified one of round %d", s.Round)
	}
	c := *s
	c.Events, c.Last = s.Common(), nil
	c.Gaps = make([]uint64, len(c.Events))
	for _, e := range s.Last {
		if e.BirthRound < s.Births[0] {
			c.Last = append(c.Last, e)
		}
	}
	return &c, nil
}

// AddLast adds an event to Last, unless the last one of its creator there is as late. It is for a node that goes on
// from a peer's snapshot: its own last event, and those of others, that it wrote down before.
func (s *Snapshot) AddLast(e *event.Event) {
	at, found := slices.BinarySearchFunc(s.Last, e, func(a, b *event.Event) int { return a.Creator - b.Creator })
	switch {
	case !found:
		s.Last = slices.Insert(s.Last, at, e)
	case s.Last[at].Seq < e.Seq:
		s.Last[at] = e
	}
}

// EachEvent calls f with every event of the snapshot, until one of the calls fails, and returns why.
func (s *Snapshot) EachEvent(f func(*event.Event) error) error {
	for _, list := range [][]*event.Event{s.Events, s.Last} {
		for _, e := range list {
			if err := f(e); err != nil {
				return err
			}
		}
	}
	return nil
}
