package node

// absences tell for how long members have been away, by this node's clock: for as long as this node looked at them often
// and had a quorum without them. While it hung, or was cut off itself, it knows of nobody that he was away.
type absences struct {
	timeout int64   // ns; 0: nobody looks
	looked  int64   // when somebody last did
	since   []int64 // by member: from when on its absence counts; 0: it does not
}

// A member's absence is looked at so many times before it has lasted for the time-out. It counts anew if nobody looked
// for so large a part of that.
const (
	looksPerTimeout = 8
	longestGap      = 2
)

// look takes in who is away now, as far as that is of interest.
func (a *absences) look(now int64, quorum bool, away func(member int) bool) {
	steady := now-a.looked <= a.timeout/longestGap
	for member := range a.since {
		switch {
		case !quorum || !away(member):
			a.since[member] = 0
		case a.since[member] == 0 || !steady:
			a.since[member] = now
		}
	}
	a.looked = now
}

// over reports whether the member has been away for the time-out.
func (a *absences) over(member int, now int64) bool {
	return a.since[member] != 0 && now-a.since[member] >= a.timeout
}

// next returns when to look again; 0: nobody is away.
func (a *absences) next() int64 {
	for _, since := range a.since {
		if since != 0 {
			return a.looked + a.timeout/looksPerTimeout
		}
	}
	return 0
}
