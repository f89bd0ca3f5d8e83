// Package topic knows topic names and topic filters: which are valid, which match, and how to find, among many, those
// that do.
//
// A Trie holds the filters of subscriptions and finds those that match a name. Names holds names and finds those that
// a filter matches, in order. Match compares one filter with one name; the other two are tested against it.
//
// # Concurrency
//
// Trie and Names have no locks: each belongs to one goroutine, or to whoever holds its owner's lock.
package topic

import (
	"math"
	"strings"
	"unicode/utf8"
)

// MaxLevels is how many levels a filter may have. MQTT sets no bound; this one bounds how deep a Trie can be.
const MaxLevels = 200

// ValidName reports whether s is a topic name: at least one character [MQTT-4.7.3-1], no wildcards [MQTT-4.7.0-1], no
// U+0000 [MQTT-4.7.3-2], and at most 65,535 bytes [MQTT-4.7.3-3] of UTF-8 [MQTT-1.5.4-1].
func ValidName(s string) bool { return validText(s) && !hasWild(s) }

// ValidFilter reports whether s is a topic filter, not a shared subscription's: what goes for names goes for filters,
// but that + may stand for a level [MQTT-4.7.1-2] and # for all levels from the last one on [MQTT-4.7.1-1]. It may
// have MaxLevels levels.
func ValidFilter(s string) bool {
	if !validText(s) || strings.Count(s, "/") >= MaxLevels {
		return false
	}
	for more := true; more; {
		var level string
		level, s, more = strings.Cut(s, "/")
		if level == "#" && !more || level == "+" {
			continue
		}
		if hasWild(level) {
			return false
		}
	}
	return true
}

// hasWild reports whether s holds a wildcard. Two searches for a byte each are several times faster than one for either.
func hasWild(s string) bool { return strings.IndexByte(s, '+') >= 0 || strings.IndexByte(s, '#') >= 0 }

func validText(s string) bool {
	return s != "" && len(s) <= math.MaxUint16 && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// sharePrefix begins the filter of every shared subscription.
const sharePrefix = "$share/"

// Parse checks what a SUBSCRIBE or UNSUBSCRIBE names: a topic filter, or a shared subscription $share/group/filter
// [MQTT-4.8.2-1] [MQTT-4.8.2-2]. The group is empty if the subscription is not shared.
func Parse(s string) (group, filter string, ok bool) {
	rest, shared := strings.CutPrefix(s, sharePrefix)
	if !shared {
		return "", s, ValidFilter(s)
	}
	group, filter, ok = strings.Cut(rest, "/")
	ok = ok && ValidName(group) && len(s) <= math.MaxUint16 && ValidFilter(filter)
	return group, filter, ok
}

// Match reports whether a valid filter matches a valid name. A filter that begins with a wildcard matches no name that
// begins with $ [MQTT-4.7.2-1].
func Match(filter, name string) bool {
	if hidden(name) && wild(filter) {
		return false
	}
	return matchLevels(strings.Split(filter, "/"), strings.Split(name, "/"))
}

func matchLevels(filter, name []string) bool {
	for i, level := range filter {
		if level == "#" { // the level above it is included
			return true
		}
		if i == len(name) || level != "+" && level != name[i] {
			return false
		}
	}
	return len(filter) == len(name)
}

// hidden reports whether the name is one that wildcards in the first level do not match.
func hidden(name string) bool { return strings.HasPrefix(name, "$") }

// wild reports whether the filter begins with a wildcard.
func wild(filter string) bool {
	return strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")
}
