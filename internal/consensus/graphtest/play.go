package graphtest

import (
	"encoding/binary"

	"github.com/foxmq/foxmq/internal/event"
)

// play is the making of a graph, step by step, as somebody else directs.
type play struct {
	*Graph
	now      int   // step
	tick     int64 // how long it lasts, ns
	turn     int   // whose it is
	authors  []*author
	byID     map[event.ID]*event.Event
	observer *Intake
	late     [16][]*event.Event // on their way to the observer, by the step in which they come, modulo 16
}

// author is a member. It knows what its events descend from.
type author struct {
	*Intake
	creator int
	offered map[event.ID]bool
	made    []*event.Event // on every branch
	mayLie  bool
	lied    bool // did what a correct member would not
}

func newPlay(g *Graph, liars byte, open Open) *play {
	view := func() *Intake { return NewIntake(open(g.Members, g.CoinPeriod, g.RoundsKept)) }
	p := &play{Graph: g, byID: map[event.ID]*event.Event{}, observer: view()}
	for m := range g.Members {
		p.authors = append(p.authors, &author{
			Intake: view(), creator: m, offered: map[event.ID]bool{}, mayLie: named(liars&15, m) || named(liars>>4, m),
		})
	}
	return p
}

func named(liar byte, member int) bool { return liar == 15 || int(liar) == member }

// act makes one event and sends it to the observer.
func (p *play) act(s step) {
	a := p.authors[(p.turn+s.skip)%p.Members]
	p.turn = a.creator + 1
	if !a.mayLie {
		s.lie = honest
	}
	ev := p.event(a, s)
	a.lied = p.lie(a, ev, s) || a.lied
	if err := ev.Seal(domain); err != nil {
		panic("graphtest: " + err.Error()) // every step makes an event of a valid shape
	}
	id := ev.ID()
	copy(ev.Signature[:], id[16:]) // consensus verifies none, and must not look at any
	p.byID[id] = ev
	a.made = append(a.made, ev)
	p.teach(a, ev)
	at := (p.now + s.delay) % len(p.late)
	p.late[at] = append(p.late[at], ev)
	p.arrive()
}

// arrive lets the observer have what comes in this step, and goes on to the next one.
func (p *play) arrive() {
	now := &p.late[p.now%len(p.late)]
	for _, ev := range *now {
		inserted, _ := p.observer.Offer(ev)
		p.Events = append(p.Events, inserted...)
	}
	*now = nil
	p.now++
}

// end lets everything arrive and counts the liars.
func (p *play) end() {
	for range p.late {
		p.arrive()
	}
	for _, a := range p.authors {
		if a.lied {
			p.Faulty++
		}
	}
}

// teach offers an event and what it descends from to a member, and reports whether the member could insert it.
func (p *play) teach(a *author, ev *event.Event) bool {
	if id := ev.ID(); !a.offered[id] {
		a.offered[id] = true
		for _, claim := range ev.Parents {
			if parent := p.byID[claim.ID]; parent != nil {
				p.teach(a, parent)
			}
		}
		a.Offer(ev)
	}
	return a.known[ev.ID()]
}

// event makes the next event of a member as a correct member would, but for the self-parent if it forks.
func (p *play) event(a *author, s step) *event.Event {
	ev := &event.Event{Creator: a.creator, Seq: 1, Coin: s.coin, Time: p.clock(s.clock)}
	if sp := p.selfParent(a, s); sp != nil {
		ev.Seq = sp.Seq + 1
		ev.Time = max(ev.Time, sp.Time+1)
		ev.Parents = append(ev.Parents, claim(sp))
	}
	for m, other := range p.authors {
		if m == a.creator || s.others>>m&1 == 0 {
			continue
		}
		if parent := other.latestBut(int(s.older>>m&1) * s.back); parent != nil && p.teach(a, parent) {
			ev.Parents = append(ev.Parents, claim(parent))
		}
	}
	ev.BirthRound = max(a.view.Pending(), leastBirthRound(ev))
	for i := range s.txs {
		ev.Payload = event.AppendTransaction(ev.Payload, binary.BigEndian.AppendUint32(nil, uint32(p.now<<2+i)))
	}
	return ev
}

// latestBut returns the event that a member made before its latest few, nil if there is none.
func (a *author) latestBut(few int) *event.Event {
	if few >= len(a.made) {
		return nil
	}
	return a.made[len(a.made)-1-few]
}

// selfParent is the latest event, but for one that forks.
func (p *play) selfParent(a *author, s step) *event.Event {
	switch s.lie {
	case branch:
		return a.latestBut(1 + s.extent)
	case start:
		return nil
	}
	return a.latestBut(0)
}

// clock is what a member's clock shows, ns: mostly the time.
func (p *play) clock(state int) int64 {
	now := epoch + int64(p.now)*p.tick
	switch state {
	case 5:
		return epoch // stands still
	case 6:
		return now - 20*p.tick
	case 7:
		return now + 20*p.tick
	}
	return now
}

// leastBirthRound is the lowest that the event's parents allow.
func leastBirthRound(ev *event.Event) uint64 {
	least := uint64(1)
	for _, p := range ev.Parents {
		least = max(least, p.BirthRound)
	}
	return least
}

// lie is what a faulty member does otherwise than a correct one. Values that are not named are honest, too.
type lie int

const (
	honest       lie = 0
	branch       lie = iota + 3 // goes on from an older event
	start                       // begins anew
	wrongSeq                    // claims that a parent has another sequence number
	wrongBirth                  // claims that a parent has another, lower birth round
	wrongID                     // claims that a parent has another one's id
	noSuchParent                // claims a parent that never was, in a round that is ancient
	early                       // is not later than its self-parent
	lowBirth                    // is of the lowest birth round that its parents allow
	highBirth                   // is of a birth round that is not pending yet
)

// lie does to an event what the step says, and reports whether a correct member would not have.
func (p *play) lie(a *author, ev *event.Event, s step) bool {
	switch extent := uint64(s.extent); s.lie {
	case branch, start:
		return len(a.made) > 0
	case early:
		ev.Time = max(0, ev.Time-int64(1+s.extent)*1e6)
	case lowBirth:
		ev.BirthRound = leastBirthRound(ev)
	case highBirth:
		ev.BirthRound += 1 + extent%3
	case wrongSeq, wrongBirth, wrongID, noSuchParent:
		if len(ev.Parents) > 0 {
			p.fabricate(a, ev, &ev.Parents[s.extent%len(ev.Parents)], s)
		}
	default:
		return false
	}
	return true
}

// fabricate makes a claim about a parent untrue, so that there is no link to it.
func (p *play) fabricate(a *author, ev *event.Event, claim *event.Parent, s step) {
	own := claim.Creator == ev.Creator
	switch s.lie {
	case wrongSeq:
		claim.Seq++
		if own {
			ev.Seq++
		}
	case wrongBirth:
		claim.BirthRound = 1 + uint64(s.extent)%claim.BirthRound
	case wrongID:
		claim.ID = ev.Parents[0].ID
	case noSuchParent:
		if ancient := a.view.Ancient(); ancient > 1 {
			claim.ID[0]++
			claim.BirthRound = ancient - 1
		}
	}
}
