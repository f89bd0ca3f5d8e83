package users

import "strings"

// levels walks through the levels of a filter without allocating.
type levels struct {
	level string // the current one
	rest  string
	more  bool // rest holds further levels; it may be one empty level
	depth int  // of the current level, from 0
}

func levelsOf(filter string) levels {
	l := levels{depth: -1}
	l.rest, l.more = filter, true
	return l
}

// next goes one level down, and reports whether there is one.
func (l *levels) next() bool {
	if !l.more {
		return false
	}
	l.level, l.rest, l.more = strings.Cut(l.rest, "/")
	l.depth++
	return true
}

// takes tells whether a wildcard at this level matches a level: a wildcard in the first place matches no topic
// that begins with $ [MQTT-4.7.2-1].
func (l *levels) takes(level string) bool {
	return l.depth > 0 || !strings.HasPrefix(level, "$")
}

// covers tells whether each topic that the inner filter matches is matched by the outer one too. Both are valid, and
// the names fit into the outer one.
func (n names) covers(outer, inner string) bool {
	o, i := levelsOf(outer), levelsOf(inner)
	for o.next() {
		inside := i.next()
		switch {
		case o.level == "#": // also matches the level above it [MQTT-4.7.1-2]
			return !inside || o.takes(i.level)
		case !inside:
			return false
		case i.level == "#":
			// The inner filter matches the level above it, which the outer does not, but that there is no level
			// above the first: +/# matches as much as # alone.
			return i.depth == 0 && o.level == "+" && o.rest == "#"
		case o.level == "+":
			if !o.takes(i.level) {
				return false
			}
		case !n.spell(o.level, i.level): // a wildcard of the inner filter is no literal of the outer
			return false
		}
	}
	return !i.next()
}

// overlaps tells whether some topic is matched by both filters. Both are valid, and the names fit into the first.
func (n names) overlaps(a, b string) bool {
	la, lb := levelsOf(a), levelsOf(b)
	for {
		inA, inB := la.next(), lb.next()
		switch {
		case inA && la.level == "#":
			return !inB || la.takes(lb.level)
		case inB && lb.level == "#":
			return !inA || lb.takes(la.level)
		case inA != inB:
			return false
		case !inA:
			return true
		case la.level == "+" && la.takes(lb.level), lb.level == "+" && lb.takes(la.level):
		case !n.spell(la.level, lb.level):
			return false
		}
	}
}
