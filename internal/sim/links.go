package sim

import "github.com/foxmq/foxmq/internal/event"

// Layout says where the members stand, and so how their delays compare with each other. How long they are is the
// scenario's: the mean over all pairs of members is its Delay, whatever the layout.
type Layout int

// The layouts. Members are spread over the places in turn.
const (
	Equal    Layout = iota // everyone is equally far from everyone
	TwoSites               // one on each side of an ocean
	Atlantic               // two regions on each side of the Atlantic
	Global                 // seven regions, all over the world
	Remote                 // all share a rack but the last member, 500 times as far from them as they are apart
)

// String implements fmt.Stringer.
func (l Layout) String() string {
	return [...]string{"equal", "two sites", "US/EU", "seven regions", "one far away"}[l]
}

// The places of the layouts: how long a message takes one way between any two of them, and on the diagonal, between
// two members at one. Those of the regions are typical figures of public clouds in ms, half of a round trip.
var places = map[Layout][][]float64{
	Equal:    {{1}},
	TwoSites: {{1, 60}, {60, 1}},
	Atlantic: {
		// Virginia, Ireland, Oregon, Frankfurt
		{1, 38, 32, 45},
		{38, 1, 65, 12},
		{32, 65, 1, 72},
		{45, 12, 72, 1},
	},
	Global: {
		// Virginia, Frankfurt, Tokyo, Oregon, Singapore, São Paulo, Mumbai
		{1, 45, 75, 32, 108, 58, 93},
		{45, 1, 112, 70, 78, 100, 55},
		{75, 112, 1, 48, 35, 128, 63},
		{32, 70, 48, 1, 80, 88, 110},
		{108, 78, 35, 80, 1, 163, 28},
		{58, 100, 128, 88, 163, 1, 150},
		{93, 55, 63, 110, 28, 150, 1},
	},
	Remote: {{1, 500}, {500, 1}},
}

// place returns where a member stands.
func (l Layout) place(member, members int) int {
	if l == Remote {
		return (member + 1) / members // the last one alone is elsewhere
	}
	return member % len(places[l])
}

// link is one direction between two members.
type link struct {
	mean   int64 // delay in ns in quiet times
	free   int64 // when it will have sent all that is queued, in virtual time
	queue  []*parcel
	queued int // bytes in it
}

// parcel is a message on its way.
type parcel struct {
	size    int
	departs int64 // when the link will have sent it
	lost    bool  // with the queue that it stood in
}

// newLinks returns the links of a scenario, from and to each member.
func newLinks(sc *Scenario) [][]link {
	n := sc.Members
	links := make([][]link, n)
	delay := func(i, j int) float64 { return places[sc.Layout][sc.Layout.place(i, n)][sc.Layout.place(j, n)] }
	sum := 0.0
	for i := range n {
		links[i] = make([]link, n)
		for j := range i {
			sum += 2 * delay(i, j)
		}
	}
	scale := float64(sc.Delay) * float64(n*(n-1)) / sum
	for i := range n {
		for j := range n {
			if i != j {
				links[i][j].mean = int64(delay(i, j) * scale)
			}
		}
	}
	return links
}

// enqueue returns a message as it stands behind those that the link has still to send at this rate, in bytes per
// second. It fails if the queue has no room for it, and then the whole of it is lost.
func (l *link) enqueue(now, rate int64, room, size int) (*parcel, bool) {
	for len(l.queue) > 0 && l.queue[0].departs <= now {
		l.queued -= l.queue[0].size
		l.queue = l.queue[1:]
	}
	if l.queued > 0 && l.queued+size > room {
		for _, p := range l.queue {
			p.lost = true
		}
		l.queue, l.queued, l.free = nil, 0, now
		return nil, false
	}
	l.free = max(l.free, now) + int64(size)*1e9/rate
	p := &parcel{size: size, departs: l.free}
	l.queue = append(l.queue, p)
	l.queued += size
	return p, true
}

// sizeOf estimates the bytes of a message: what its hashes and signatures take, and the payload.
func sizeOf(m *event.Message) int {
	const head, hash, signed = 40, 40, 120
	size := head + hash*(len(m.Tips)+len(m.Want))
	for _, e := range m.Events {
		size += signed + hash*len(e.Parents) + len(e.Payload)
	}
	return size
}
