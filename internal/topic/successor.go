package topic

import "strings"

// The bytes that follow / and $, and that behind a string makes the next one. All strings that begin with "a/" lie
// between "a/" and "a0".
const (
	afterSlash  = "0"
	afterDollar = "%"
	afterEnd    = "\x00"
)

// successor returns a string that is not less than name, and not greater than any string from name on that the filter
// matches. It is name itself only if the filter matches name. false: no string from name on matches.
func successor(filter, name string) (string, bool) {
	if hidden(name) && wild(filter) {
		return afterDollar, true
	}
	start := 0 // of the current level in name
	plus := -1 // end of the last level in name that stood against a +
	for {
		want, rest, more := strings.Cut(filter, "/")
		if want == "#" {
			return name, true
		}
		end := levelEnd(name, start)
		switch {
		case want == "+":
			plus = end
		case want != name[start:end]:
			return mismatch(name, start, plus, want, more)
		}
		switch {
		case end == len(name) && (!more || rest == "#"):
			return name, true
		case end == len(name) && want == "+": // a longer level may come before name + "/"
			return name + afterEnd, true
		case end == len(name):
			return name + "/", true
		case !more:
			return skip(name, plus)
		}
		start, filter = end+1, rest
	}
}

func levelEnd(name string, start int) int {
	if i := strings.IndexByte(name[start:], '/'); i >= 0 {
		return start + i
	}
	return len(name)
}

// mismatch is the successor where the filter has the level want, with more behind it or not, and name has another at
// start. What matches and shares the levels before has want there, alone or with a / behind it.
func mismatch(name string, start, plus int, want string, more bool) (string, bool) {
	if exact := name[:start] + want; exact > name {
		return exact, true
	}
	if more {
		if deeper := name[:start] + want + "/"; deeper > name {
			return deeper, true
		}
	}
	return skip(name, plus)
}

// skip is the successor where nothing from name on matches that shares the levels up to plus, the end of the level
// against the last +: another must stand against it.
func skip(name string, plus int) (string, bool) {
	if plus < 0 {
		return "", false
	}
	return name[:plus] + afterSlash, true
}
