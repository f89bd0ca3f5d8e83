package consensus

import (
	"fmt"
	"slices"

	"github.com/foxmq/foxmq/internal/event"
)

// Snapshot is all that an engine needs to go on from where another one stood. Of what was decided after a round it is
// the same on all members, but for Events: of these [Snapshot.Common] is.
type Snapshot struct {
	Round  uint64         // the latest decided round; 0 before there is one
	Judges []event.ID     // of that round
	Births []uint64       // least birth round of the judges of each round from max(1, Round−RoundsKept+1) to Round
	Time   int64          // consensus time of the last transaction, ns since 1970
	Events []*event.Event // those that are not ancient, in an order in which they may be inserted
}

// Snapshot returns the engine's state. It shares the events with the engine, nothing else.
func (e *Engine) Snapshot() Snapshot {
	return Snapshot{
		Round:  e.pending - 1,
		Judges: slices.Clone(e.judges),
		Births: slices.Clone(e.births),
		Time:   e.last,
		Events: slices.Clone(e.window),
	}
}

// Common returns those of Events of which every member that decided the round has the same ones: the judges and
// their ancestors, in the order of Events. The judges' IDs name them: an ID commits to what an event claims of its
// parents, and no member decided the round without those. The other events are there because they came sooner; an
// engine that goes on without them decides the same when they are inserted again.
func (s *Snapshot) Common() []*event.Event {
	byID := make(map[event.ID]*event.Event, len(s.Events))
	for _, ev := range s.Events {
		byID[ev.ID()] = ev
	}
	common := make(map[event.ID]bool, len(s.Events))
	for _, id := range s.Judges {
		common[id] = true
	}
	var list []*event.Event
	for _, ev := range slices.Backward(s.Events) {
		if !common[ev.ID()] {
			continue
		}
		list = append(list, ev)
		for i := range ev.Parents {
			if claim := &ev.Parents[i]; linked(byID[claim.ID], ev, claim) {
				common[claim.ID] = true
			}
		}
	}
	slices.Reverse(list)
	return list
}

// Restore returns an engine that goes on from a snapshot: it decides with Resume and with its next Insert what the
// other would have. It fails if the snapshot contradicts itself.
func Restore(cfg Config, s Snapshot) (*Engine, error) {
	e := New(cfg)
	e.pending, e.births, e.last = s.Round+1, slices.Clone(s.Births), s.Time
	if len(s.Births) > 0 {
		e.ancient = s.Births[0]
	}
	for _, ev := range s.Events {
		if ev.Creator < cfg.Members && ev.BirthRound >= e.ancient && e.Get(ev.ID()) == nil {
			e.add(ev)
		}
	}
	judges, err := e.find(s.Judges)
	if err != nil {
		return nil, fmt.Errorf("restore consensus at round %d: %w", s.Round, err)
	}
	if s.Round > 0 {
		e.markOrdered(judges)
		e.install(judges)
	}
	e.recompute()
	return e, nil
}

// find returns the judges of a snapshot.
func (e *Engine) find(ids []event.ID) ([]handle, error) {
	if e.pending > 1 && (len(ids) == 0 || len(e.births) == 0) {
		return nil, fmt.Errorf("no judges")
	}
	judges := make([]handle, len(ids))
	for i, id := range ids {
		if judges[i] = e.held[id].vertex; judges[i] == 0 {
			return nil, fmt.Errorf("judge %v is not among the events", id)
		}
	}
	return judges, nil
}

// markOrdered marks what the judges of the last decided round have in common: it was ordered in that round or
// before. Later judges descend from earlier ones, so nothing ordered earlier is missing.
func (e *Engine) markOrdered(judges []handle) {
	for _, r := range e.receive(judges) {
		v := &e.vertices[r.vertex]
		v.ordered = true
		v.parents, v.self = 0, 0
	}
}
