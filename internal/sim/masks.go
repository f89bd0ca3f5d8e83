package sim

import "github.com/foxmq/foxmq/internal/event"

// mask never shows what its driver makes. In place of each event it shows one that it has twisted, on a chain of
// its own.
type mask struct {
	open
	twist func(l *liar, e, f *event.Event) // changes f, which is to stand for the driver's e
	last  *event.Event                     // of the chain shown
}

// made implements scheme.
func (m *mask) made(l *liar, e *event.Event) {
	f := l.forge(e, func(f *event.Event) {
		follow(f, m.last)
		m.twist(l, e, f)
	})
	if f == nil {
		return
	}
	m.last = f
	l.adopt(f)
	l.tellAll(everyone, f)
}

// show implements scheme.
func (m *mask) show(l *liar, e *event.Event, _ int) *event.Event {
	if e.Creator == l.index && !l.forged[e.ID()] {
		return nil
	}
	return e
}

// fabricate makes a claim about a parent untrue, in a way that keeps no node from taking the event in.
func fabricate(l *liar, _, f *event.Event) {
	others := f.OtherParents()
	if len(others) == 0 || l.w.chance(0.5) {
		return
	}
	p := &others[l.w.rng.IntN(len(others))]
	switch l.w.rng.IntN(4) {
	case 0: // a sequence number that is not the parent's
		p.Seq++
	case 1: // a birth round that is not the parent's
		p.BirthRound = 1 + l.w.rng.Uint64N(f.BirthRound)
	case 2: // a parent that never was, long ago
		if ancient := l.driver.Engine().Ancient(); ancient > 1 {
			p.ID[0]++
			p.BirthRound = 1 + l.w.rng.Uint64N(ancient-1)
		}
	case 3: // another member's event
		p.ID = pick(l.w.rng, others...).ID
	}
}

// misdate claims a birth round that is too low, or a little too high.
func misdate(l *liar, _, f *event.Event) {
	switch l.w.rng.IntN(4) {
	case 0, 1:
		f.BirthRound = lowestBirth(f)
	case 2:
		f.BirthRound = max(f.BirthRound, l.driver.Engine().Pending()+l.w.rng.Uint64N(4))
	}
}

// lieAboutTime returns a twist that lies about time in one way: an hour ahead, an hour behind, frozen, now this and
// now that, or at times not after the self-parent, so that there is no link.
func lieAboutTime(w *World) func(l *liar, e, f *event.Event) {
	way := w.rng.IntN(5)
	return func(l *liar, _, f *event.Event) {
		least := int64(1)
		if f.Seq > 1 {
			if self := l.driver.Engine().Get(f.Parents[0].ID); self != nil {
				least = self.Time + 1
			}
		}
		switch way {
		case 0:
			f.Time = max(least, l.w.now+3600e9)
		case 1:
			f.Time = max(least, l.w.now-3600e9)
		case 2:
			f.Time = max(least, epoch)
		case 3:
			f.Time = max(least, l.w.now+l.w.between(-1e9, 1e9))
		case 4:
			if l.w.chance(0.1) {
				f.Time = max(1, least-1-l.w.between(0, 1e9))
			}
		}
	}
}

// contrarian chooses the coins of its witnesses when it has seen those of others in the same round: it takes the
// side that fewer are on, so that votes by coin stay split.
type contrarian struct {
	mask
	coins map[int64]int // by round: coins that say YES less those that say NO
}

func newContrarian() *contrarian {
	c := &contrarian{coins: make(map[int64]int)}
	c.twist = func(l *liar, e, f *event.Event) {
		f.Coin &^= 1
		if c.coins[l.roundOf(e)] < 0 {
			f.Coin |= 1
		}
	}
	return c
}

// heard implements scheme.
func (c *contrarian) heard(l *liar, e *event.Event) {
	if l.isWitness(e) && e.Creator != l.index {
		c.coins[l.roundOf(e)] += 2*int(e.Coin&1) - 1
	}
}
