package session

import "sort"

// identifiers is how many packet identifiers there are: 1 to 65,535.
const identifiers = 65535

// PacketID returns the packet identifier of a delivery number. So a message keeps its identifier on whatever node the
// client finds it again.
func PacketID(number uint64) uint16 { return uint16(1 + number%identifiers) }

// flight is a message of a lasting session whose turn has come.
type flight struct {
	number uint64
	state  progress
}

// flights are those whose completion has not been ordered, by ascending number. Their numbers lie less than 65,535
// apart, or two would have one identifier (docs/semantics.md, "Sessions").
type flights struct{ list ring[flight] }

// covers tells whether the number may join the others.
func (f *flights) covers(number uint64) bool {
	oldest := f.list.first()
	return oldest == nil || number-oldest.number < identifiers
}

func (f *flights) push(number uint64, state progress) { f.list.push(flight{number, state}) }

// find returns nil for an identifier that no flight has.
func (f *flights) find(id uint16) *progress {
	if f.list.len() == 0 || id == 0 {
		return nil
	}
	return f.at(f.number(id))
}

// number returns the only number with that identifier that may fly beside the oldest one.
func (f *flights) number(id uint16) uint64 {
	oldest := f.list.first().number
	return oldest + uint64((int(id)-int(PacketID(oldest))+identifiers)%identifiers)
}

// at returns nil for a number that does not fly.
func (f *flights) at(number uint64) *progress {
	place := f.place(number)
	if place == f.list.len() || f.list.at(place).number != number {
		return nil
	}
	return &f.list.at(place).state
}

// place returns where the first flight with that number or a higher one is.
func (f *flights) place(number uint64) int {
	return sort.Search(f.list.len(), func(i int) bool { return f.list.at(i).number >= number })
}

// land forgets a flight and returns how far it had come. Its number counts as long as an older one flies.
func (f *flights) land(number uint64) progress {
	before := idle
	if state := f.at(number); state != nil {
		before, *state = *state, idle
	}
	for f.list.len() > 0 && f.list.first().state == idle {
		f.list.pop()
	}
	return before
}
