package fair

// nowhere is the place of a flow in no line.
const nowhere = -1

// flow is what is known of a client, of an address, or of all, which is the parent of the addresses as those are of their
// clients. Times are in the cost of what has been served to each flow of the same parent that always had something to wait
// for.
type flow[T any] struct {
	key    Key
	parent *flow[T] // nil: of all
	start  uint64   // when the next request is due
	finish uint64   // when the last one was done
	since  uint64   // which arrival in the parent this is, among those with the same start
	place  int      // in the parent's line; nowhere: nothing waits

	requests fifo[T] // of a client

	credit   uint64     // how much earlier than now those below may be due
	now      uint64     // the start of what was served last below, and at first the credit
	latest   uint64     // the latest finish below
	arrivals uint64     // in line
	line     []*flow[T] // those below where something waits, a heap
}

// below returns a new flow.
func (f *flow[T]) below(key Key) *flow[T] {
	return &flow[T]{key: key, parent: f, place: nowhere, credit: f.credit, now: f.credit}
}

// forgotten tells the parent that this flow is forgotten.
func (f *flow[T]) forgotten() { f.parent.now = max(f.parent.now, f.finish+f.credit) }

func (f *flow[T]) waiting() bool { return f.place != nowhere }

// empty reports whether nothing waits here.
func (f *flow[T]) empty() bool { return f.requests.len() == 0 && len(f.line) == 0 }

// leaf returns the client that is next.
func (f *flow[T]) leaf() *flow[T] {
	for len(f.line) > 0 {
		f = f.line[0]
	}
	return f
}

// awake puts a flow in which something waits into its parent's line, and those above into theirs.
func (f *flow[T]) awake() {
	for ; f.parent != nil && !f.waiting(); f = f.parent {
		p := f.parent
		f.start = p.due(f.finish)
		f.since = p.arrivals
		p.arrivals++
		f.place = len(p.line)
		p.line = append(p.line, f)
		p.up(f.place)
	}
}

// due returns when a request is due that comes now, of a flow below whose last one was done at finish.
func (f *flow[T]) due(finish uint64) uint64 { return max(f.now-f.credit, finish) }

// served counts what a client in line has been served, and what those above it have.
func (f *flow[T]) served(cost uint64) {
	for ; f.parent != nil; f = f.parent {
		p := f.parent
		f.finish = f.start + cost
		p.latest = max(p.latest, f.finish)
		if f.empty() {
			p.leave(f)
			continue
		}
		f.start = f.finish
		p.down(f.place)
	}
}

// charge counts what a client has had, in line or not, and what those above it have.
func (f *flow[T]) charge(cost uint64) {
	for ; f.parent != nil; f = f.parent {
		p := f.parent
		if !f.waiting() {
			f.finish = p.due(f.finish) + cost
		} else {
			f.start += cost
			f.finish = f.start
			p.down(f.place)
		}
		p.latest = max(p.latest, f.finish)
	}
}

// ahead reports whether a flow below that is not in line would be the first; nil is one that is not known.
func (f *flow[T]) ahead(below *flow[T]) bool {
	if len(f.line) == 0 {
		return true
	}
	var finish uint64
	if below != nil {
		finish = below.finish
	}
	return f.due(finish) < f.line[0].start
}

// before reports whether a flow in line is to be served before another.
func (f *flow[T]) before(g *flow[T]) bool {
	return f.start < g.start || f.start == g.start && f.since < g.since
}

// leave takes a flow out of the line. When that is empty, all are about even.
func (f *flow[T]) leave(below *flow[T]) {
	last := len(f.line) - 1
	place := below.place
	f.put(place, f.line[last])
	f.line[last] = nil
	f.line = f.line[:last]
	below.place = nowhere
	if place < last {
		f.up(place)
		f.down(place)
	}
	if last == 0 {
		f.now = max(f.now, f.latest)
	}
}

func (f *flow[T]) put(place int, below *flow[T]) {
	f.line[place] = below
	below.place = place
}

// up moves the flow at that place to the front, as far as it belongs there.
func (f *flow[T]) up(place int) {
	moved := f.line[place]
	for place > 0 {
		above := (place - 1) / 2
		if !moved.before(f.line[above]) {
			break
		}
		f.put(place, f.line[above])
		place = above
	}
	f.put(place, moved)
}

// down moves the flow at that place to the back, as far as it belongs there.
func (f *flow[T]) down(place int) {
	moved := f.line[place]
	for {
		next := 2*place + 1
		if next >= len(f.line) {
			break
		}
		if next+1 < len(f.line) && f.line[next+1].before(f.line[next]) {
			next++
		}
		if !f.line[next].before(moved) {
			break
		}
		f.put(place, f.line[next])
		place = next
	}
	f.put(place, moved)
}
