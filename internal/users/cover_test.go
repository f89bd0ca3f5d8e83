package users

import (
	"slices"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/internal/topic"
)

// allOf returns every text of one to depth levels.
func allOf(words []string, depth int) []string {
	last := slices.Clone(words)
	all := slices.Clone(words)
	for range depth - 1 {
		var next []string
		for _, head := range last {
			for _, word := range words {
				next = append(next, head+"/"+word)
			}
		}
		last = next
		all = append(all, last...)
	}
	return all
}

// nobody has no names that a filter could ask for.
var nobody names

// TestCoverAndOverlapAgreeWithTheirMeaning compares them with what they mean, over all topics that are long enough
// to tell the filters apart and hold one level that no filter names. Left out is /#, which matches the empty topic,
// if there were one: there the answers are on the safe side.
func TestCoverAndOverlapAgreeWithTheirMeaning(t *testing.T) {
	var filters []string
	for _, f := range allOf([]string{"", "a", "$b", "+", "#"}, 3) {
		if topic.ValidFilter(f) && f != "/#" {
			filters = append(filters, f)
		}
	}
	names := allOf([]string{"", "a", "$b", "other"}, 4)[1:] // without the empty one
	matches := make(map[string][]bool, len(filters))
	for _, f := range filters {
		for _, n := range names {
			matches[f] = append(matches[f], topic.Match(f, n))
			if got, want := nobody.covers(f, n), topic.Match(f, n); got != want {
				t.Errorf("covers(%q, %q) = %v, but Match says %v", f, n, got, want)
			}
		}
	}
	for _, outer := range filters {
		for _, inner := range filters {
			covered, overlap := true, false // what the two relations mean
			for i := range names {
				covered = covered && (matches[outer][i] || !matches[inner][i])
				overlap = overlap || matches[outer][i] && matches[inner][i]
			}
			if got := nobody.covers(outer, inner); got != covered {
				t.Errorf("covers(%q, %q) = %v", outer, inner, got)
			}
			if got := nobody.overlaps(outer, inner); got != overlap {
				t.Errorf("overlaps(%q, %q) = %v", outer, inner, got)
			}
		}
	}
}

func TestPermissionsCostNoAllocation(t *testing.T) {
	p := permissions{"alice": {{filter: "a/+/c/#", publish: true}, {filter: "level/%u/x-%c"}, {filter: "#"}}}
	name := strings.Repeat("level/", 20) + "end"
	who := names{user: "alice", client: "c"}
	if n := testing.AllocsPerRun(100, func() { p.mayPublish(who, name); p.maySubscribe(who, "a/b/+") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
