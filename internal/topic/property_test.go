package topic

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The levels are few, so that names and filters meet, and lie around / in byte order, where a sorted tree of whole
// names could go wrong.
var (
	nameLevel   = rapid.SampledFrom([]string{"", "a", "b", "a-", "a0", "ab", "$", "$s", "!", "é"})
	filterLevel = rapid.OneOf(rapid.Just("+"), nameLevel)
)

func drawName(t *rapid.T) string {
	name := strings.Join(rapid.SliceOfN(nameLevel, 1, 6).Draw(t, "name"), "/")
	if name == "" {
		return "x"
	}
	return name
}

func drawFilter(t *rapid.T) string {
	levels := rapid.SliceOfN(filterLevel, 0, 4).Draw(t, "filter")
	if rapid.Bool().Draw(t, "wild") {
		levels = slices.Concat(slices.Repeat([]string{"+"}, rapid.IntRange(2, 5).Draw(t, "plus")), levels)
	}
	if rapid.Bool().Draw(t, "#") {
		levels = append(levels, "#")
	}
	if filter := strings.Join(levels, "/"); filter != "" {
		return filter
	}
	return "x"
}

// model is what Trie and Names are compared with.
type model map[string]int

func TestTrieIsAListOfFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var trie Trie[string, int]
		all := model{} // filter and key, with a blank between them
		t.Repeat(map[string]func(*rapid.T){
			"subscribe": func(t *rapid.T) {
				filter, key, value := drawFilter(t), drawKey(t), rapid.Int().Draw(t, "value")
				_, old := all[filter+" "+key]
				if trie.Subscribe(filter, key, value) == old {
					t.Fatalf("subscribe %q %q: old %v", filter, key, old)
				}
				all[filter+" "+key] = value
			},
			"unsubscribe": func(t *rapid.T) {
				filter, key := drawFilter(t), drawKey(t)
				_, there := all[filter+" "+key]
				if trie.Unsubscribe(filter, key) != there {
					t.Fatalf("unsubscribe %q %q: was there %v", filter, key, there)
				}
				delete(all, filter+" "+key)
			},
			"": func(t *rapid.T) {
				name := drawName(t)
				if got, want := trieMatches(&trie, name), all.matches(name); !slices.Equal(got, want) {
					t.Fatalf("%q: got %q, want %q", name, got, want)
				}
				if trie.Len() != len(all) {
					t.Fatalf("Len is %d, want %d", trie.Len(), len(all))
				}
				checkNodes(t, &trie.root)
			},
		})
		for both := range all {
			filter, key, _ := strings.Cut(both, " ")
			trie.Unsubscribe(filter, key)
		}
		checkEmpty(t, &trie)
	})
}

func checkEmpty(t interface{ Fatal(...any) }, trie *Trie[string, int]) {
	if !trie.root.empty() || trie.branching.columns != nil {
		t.Fatal("something is left without subscriptions")
	}
}

// checkNodes demands that below n there are nodes only where a filter ends or filters part: no more than two for each.
func checkNodes(t *rapid.T, n *node[string, int]) {
	children := slices.Collect(maps.Values(n.exact))
	if n.plus != nil {
		children = append(children, n.plus)
	}
	for _, c := range children {
		ways := len(c.exact)
		if c.plus != nil {
			ways++
		}
		if ways < 2 && c.here.len() == 0 && c.below.len() == 0 {
			t.Fatalf("a node behind %q is for nothing", c.path)
		}
		checkNodes(t, c)
	}
}

func drawKey(t *rapid.T) string {
	return fmt.Sprint(rapid.IntRange(0, 2*indexFrom).Draw(t, "key"))
}

func trieMatches(trie *Trie[string, int], name string) (all []string) {
	trie.Match(name, func(key string, value int) { all = append(all, fmt.Sprint(key, " ", value)) })
	slices.Sort(all)
	return all
}

func (m model) matches(name string) (all []string) {
	for both, value := range m {
		if filter, key, _ := strings.Cut(both, " "); Match(filter, name) {
			all = append(all, fmt.Sprint(key, " ", value))
		}
	}
	slices.Sort(all)
	return all
}

func TestNamesIsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var names Names[int]
		all := model{}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				name, value := drawName(t), rapid.Int().Draw(t, "value")
				_, old := all[name]
				if names.Set(name, value) == old {
					t.Fatalf("set %q: old %v", name, old)
				}
				all[name] = value
			},
			"delete": func(t *rapid.T) {
				name := drawName(t)
				_, there := all[name]
				if names.Delete(name) != there {
					t.Fatalf("delete %q: was there %v", name, there)
				}
				delete(all, name)
			},
			"": func(t *rapid.T) {
				checkNames(t, &names, all, drawFilter(t), drawName(t))
			},
		})
	})
}

// checkNames compares Get, Len and Match, from the start and after a name, with the model.
func checkNames(t *rapid.T, names *Names[int], all model, filter, after string) {
	if names.Len() != len(all) {
		t.Fatalf("Len is %d, want %d", names.Len(), len(all))
	}
	want, there := all[after]
	if got, ok := names.Get(after); got != want || ok != there {
		t.Fatalf("Get(%q) = %d, %v", after, got, ok)
	}
	for _, after := range []string{"", after} {
		if got, want := matching(names, filter, after), all.sorted(filter, after); !slices.Equal(got, want) {
			t.Fatalf("%q after %q: got %q, want %q", filter, after, got, want)
		}
	}
}

func matching(names *Names[int], filter, after string) (all []string) {
	names.Match(filter, after, func(name string, value int) bool {
		all = append(all, fmt.Sprint(name, " ", value))
		return true
	})
	return all
}

// TestNamesMatchesStepByStep looks at few names at a time and finds what matches all the same.
func TestNamesMatchesStepByStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var names Names[int]
		for i, name := range rapid.SliceOf(rapid.Custom(drawName)).Draw(t, "names") {
			names.Set(name, i)
		}
		filter := drawFilter(t)
		var got []string
		for after, more := "", true; more; {
			most := rapid.IntRange(1, 3).Draw(t, "steps")
			steps := most
			after, more = names.MatchSome(filter, after, &steps, func(name string, value int) bool {
				got = append(got, fmt.Sprint(name, " ", value))
				return value%3 > 0
			})
			if steps < 0 || steps == most {
				t.Fatalf("took %d steps of %d", most-steps, most)
			}
		}
		if want := matching(&names, filter, ""); !slices.Equal(got, want) {
			t.Fatalf("%q: got %q, want %q", filter, got, want)
		}
	})
}

func (m model) sorted(filter, after string) (all []string) {
	var names []string
	for name := range m {
		if name > after && Match(filter, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, fmt.Sprint(name, " ", m[name]))
	}
	return all
}
