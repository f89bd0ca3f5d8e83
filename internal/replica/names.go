package replica

import (
	"slices"
	"strings"
	"unicode/utf8"
)

func validTopic(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsAny(s, "+#\x00")
}

func validProperties([]byte) bool { return true }

type list struct {
	names []string
	es    []*entry
}

func newNames() names { return &list{} }

func (l *list) Insert(name string, e *entry) {
	i, _ := slices.BinarySearch(l.names, name)
	l.names = slices.Insert(l.names, i, name)
	l.es = slices.Insert(l.es, i, e)
}

func (l *list) Remove(name string) {
	i, _ := slices.BinarySearch(l.names, name)
	l.names = slices.Delete(l.names, i, i+1)
	l.es = slices.Delete(l.es, i, i+1)
}

func (l *list) Match(filter, after string, f func(*entry) bool) {
	for i, n := range l.names {
		if n > after && (filter == "#" || filter == n) && !f(l.es[i]) {
			return
		}
	}
}
