package consensus_test

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// march is a small cluster whose members make their events nearly in step, row by row, so that first votes are often
// unanimous. Whoever may be faulty then does what could turn the votes that follow: it keeps a second branch, with
// other votes on it, from most of the others until some of them have decided. Members come late, go, or are far
// away, so that there are candidates which some of the voters have not heard of.
type march struct {
	rng     *rand.Rand
	cfg     consensus.Config
	speak   float64 // probability that a member makes an event in a row
	loss    float64 // probability that an event comes to a member up to three rows late
	members []marcher
	steps   []*step // in the order in which they were made
}

type marcher struct {
	from, to int // the rows in which it makes events
	far      int // how many rows late its events come to the others
	fork     int // the row in which its second branch begins; 0 if it is correct
	hide     int // how many rows late the events of that branch come to the others
	branches [2][]*step
}

// step is one event.
type step struct {
	event   *event.Event
	parents []*step
	row     int
	branch  int
	shown   []int // by member: the row from which on it may be a parent
	rank    int   // its place in an order of arrival, parents permitting
	arrived bool
}

const never = 1 << 30

// newMarch draws a cluster, mostly of four members, and lets it march.
func newMarch(seed uint64) *march {
	rng := rand.New(rand.NewPCG(seed, 0x3a5c))
	m := &march{rng: rng, speak: 1}
	m.cfg = consensus.Config{Members: []int{4, 4, 4, 4, 4, 4, 4, 5, 6, 7}[rng.IntN(10)], CoinPeriod: 3 + rng.IntN(3)}
	if rng.IntN(3) == 0 {
		m.speak = 0.8
	}
	if rng.IntN(2) == 0 {
		m.loss = rng.Float64() / 4
	}
	m.members = make([]marcher, m.cfg.Members)
	for i := range m.members {
		m.members[i] = marcher{from: 1, to: never}
	}
	rows := 7 + rng.IntN(5)
	m.draw(rows)
	for row := 1; row <= rows; row++ {
		for _, i := range rng.Perm(m.cfg.Members) {
			m.speakUp(i, row)
		}
	}
	return m
}

// draw gives some members a part: up to f may fork, and anyone may come late, go or be far away.
func (m *march) draw(rows int) {
	roles := m.rng.Perm(m.cfg.Members)
	for _, i := range roles[:m.rng.IntN((m.cfg.Members-1)/3+1)] {
		m.members[i].fork = 1 + m.rng.IntN(rows-1)
		m.members[i].hide = m.rng.IntN(6)
	}
	last := &m.members[roles[m.cfg.Members-1]]
	switch m.rng.IntN(6) {
	case 0:
		last.from = never
	case 1:
		last.from = 2 + m.rng.IntN(rows-1)
	case 2:
		last.to = 1 + m.rng.IntN(rows-1)
	case 3, 4:
		last.far = 1 + m.rng.IntN(3)
	}
	m.members[roles[m.cfg.Members/2]].far = max(0, m.rng.IntN(6)-3)
}

// speakUp makes the events of a member in a row: one for each of its branches.
func (m *march) speakUp(i, row int) {
	who := &m.members[i]
	if row < who.from || row > who.to || m.rng.Float64() >= m.speak {
		return
	}
	m.make(i, row, 0)
	if who.fork > 0 && row >= who.fork {
		m.make(i, row, 1)
	}
}

func (m *march) make(i, row, branch int) {
	who := &m.members[i]
	s := &step{row: row, branch: branch, shown: make([]int, m.cfg.Members)}
	ev := &event.Event{
		Creator: i, Seq: 1, BirthRound: 1, Time: int64(row*1_000_000 + m.rng.IntN(1000)), Coin: byte(m.rng.Uint32()),
	}
	if self := who.tip(branch, row); self != nil {
		ev.Seq = self.event.Seq + 1
		s.parents = append(s.parents, self)
	}
	for c := range m.members {
		if p := m.parent(i, c, row, branch); p != nil {
			s.parents = append(s.parents, p)
		}
	}
	for _, p := range s.parents {
		ev.Parents = append(ev.Parents, claim(p.event))
	}
	if err := ev.Seal(event.Domain{}); err != nil {
		panic("march: " + err.Error()) // every event here is of a valid shape
	}
	s.event = ev
	m.show(s, who)
	who.branches[branch] = append(who.branches[branch], s)
	m.steps = append(m.steps, s)
}

// tip returns the event that a branch goes on from. The second one begins at some event of the first, or at none.
func (who *marcher) tip(branch, row int) *step {
	if b := who.branches[branch]; len(b) > 0 {
		return b[len(b)-1]
	}
	for _, s := range slices.Backward(who.branches[0]) {
		if s.row < row {
			return s
		}
	}
	return nil
}

// parent returns the event of member c that member i refers to, nil for none. On a second branch it often leaves one
// out, or takes an older one.
func (m *march) parent(i, c, row, branch int) *step {
	if c == i || branch == 1 && m.rng.IntN(4) == 0 {
		return nil
	}
	if branch == 1 && m.rng.IntN(4) == 0 {
		row--
	}
	latest := func(branch int) *step {
		for _, s := range slices.Backward(m.members[c].branches[branch]) {
			if s.shown[i] <= row {
				return s
			}
		}
		return nil
	}
	first, second := latest(0), latest(1)
	if first == nil || second != nil && m.rng.IntN(2) == 0 {
		return second
	}
	return first
}

// show draws when the others have the event.
func (m *march) show(s *step, who *marcher) {
	for i := range s.shown {
		s.shown[i] = s.row + 1 + who.far
		if m.rng.Float64() < m.loss {
			s.shown[i] += m.rng.IntN(4)
		}
		if s.branch == 1 && m.rng.IntN(3) > 0 {
			s.shown[i] += who.hide
		}
	}
}

// arrivals returns the events in the order of the rank that each is given, but parents first.
func (m *march) arrivals(rank func(*step) int) []*event.Event {
	steps := slices.Clone(m.steps)
	for _, s := range steps {
		s.rank, s.arrived = rank(s), false
	}
	slices.SortStableFunc(steps, func(a, b *step) int { return cmp.Compare(a.rank, b.rank) })
	events := make([]*event.Event, 0, len(steps))
	for _, s := range steps {
		events = s.arrive(events)
	}
	return events
}

func (s *step) arrive(events []*event.Event) []*event.Event {
	if s.arrived {
		return events
	}
	s.arrived = true
	for _, p := range s.parents {
		events = p.arrive(events)
	}
	return append(events, s.event)
}

// credulous is the order in which a node has everything in time but the second branches and what comes from far
// away: that comes as late as it can.
func (m *march) credulous(s *step) int {
	who := &m.members[s.event.Creator]
	rank := s.row
	if who.far > 0 || s.row == who.from {
		rank += m.rng.IntN(4)
	}
	if s.branch == 1 {
		rank += 100
	}
	return rank
}

// wary is the order in which a node has the second branches first, and everything else out of step.
func (m *march) wary(s *step) int {
	if s.branch == 1 {
		return m.rng.IntN(6)
	}
	return s.row + m.rng.IntN(6)
}
