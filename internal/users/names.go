package users

import "strings"

// names are what a client is called. They stand in a permission's filter where that says %u and %c.
type names struct {
	user   string // %u; "" is anonymous
	client string // %c
}

// fit tells whether the names that a filter asks for can stand in it. One that is empty, would make more than one
// level or a wildcard of it, or begins like a topic of the system might widen the filter beyond what its author
// thought of: then the filter matches nothing.
func (n names) fit(filter string) bool {
	if strings.IndexByte(filter, '%') < 0 { // most filters
		return true
	}
	return (!strings.Contains(filter, "%u") || isPlain(n.user)) && (!strings.Contains(filter, "%c") || isPlain(n.client))
}

func isPlain(name string) bool {
	return name != "" && name[0] != '$' && !strings.ContainsAny(name, "/+#")
}

// spell tells whether a level of a filter, with the names in it, is that text. It allocates nothing.
func (n names) spell(level, text string) bool {
	for {
		at := strings.IndexByte(level, '%')
		if at < 0 || at+1 == len(level) {
			return level == text
		}
		literal, rest := level[:at], level[at+2:]
		var name string
		switch level[at+1] {
		case 'u':
			name = n.user
		case 'c':
			name = n.client
		default: // a % of its own, behind which another may begin
			literal, rest = level[:at+1], level[at+1:]
		}
		if !strings.HasPrefix(text, literal) || !strings.HasPrefix(text[len(literal):], name) {
			return false
		}
		level, text = rest, text[len(literal)+len(name):]
	}
}
