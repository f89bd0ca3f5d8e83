package sim

import "github.com/foxmq/foxmq/internal/event"

// colluder speaks for two liars that share their keys. It sends events of both in one message to everyone, so that
// whoever gets one has got the other: all times of the two are alike. Neither ever becomes a judge, for no event on
// their chains has another member's as a parent. They speak about as often as rounds are received, the second half as
// often as the first, so that at some nodes the self-parent of the one is still to be ordered when it comes, at others
// it no longer is, and that of the other nowhere.
type colluder struct {
	open
	ends  [2]*event.Event // of the two chains
	next  int64           // when to speak again
	count int
}

// made implements scheme.
func (c *colluder) made(l *liar, e *event.Event) {
	if l.index > 0 || l.w.now < c.next {
		return
	}
	c.next = l.w.now + l.w.between(3*l.w.sc.Delay, 15*l.w.sc.Delay)
	c.count++
	var pair []*event.Event
	for i := range c.ends {
		if i > 0 && c.count%2 > 0 {
			continue
		}
		c.ends[i] = l.forge(e, func(f *event.Event) {
			f.Creator, f.Seq, f.Parents = i, 1, nil
			follow(f, c.ends[i])
			l.sayElse(f)
		})
		pair = append(pair, c.ends[i])
	}
	l.adopt(pair...)
	l.tellAll(everyone, pair...)
}

// show implements scheme.
func (c *colluder) show(l *liar, e *event.Event, _ int) *event.Event {
	if e.Creator == l.index && !l.forged[e.ID()] {
		return nil
	}
	return e
}
