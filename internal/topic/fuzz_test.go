package topic

import (
	"strings"
	"testing"
)

// FuzzMatch compares Trie and Names with Match, and expects that nothing panics.
func FuzzMatch(f *testing.F) {
	f.Add("a/+/#", "a/b")
	f.Add("+/+", "/")
	f.Add("#", "$SYS/a")
	f.Add("$share/g/+", "a")
	f.Add("+/x", "a-b/x")
	f.Add("+/+/+/+/a/#", "a//a/a/a")
	f.Fuzz(func(t *testing.T, filter, name string) {
		group, filter, ok := Parse(filter)
		if !ok || !ValidName(name) {
			return
		}
		if group != "" && strings.ContainsAny(group, "/+#") {
			t.Fatalf("group %q", group)
		}
		want := Match(filter, name)
		var trie Trie[int, int]
		trie.Subscribe(filter, 1, 1)
		got := false
		trie.Match(name, func(int, int) { got = true })
		if got != want {
			t.Errorf("trie: %q matches %q: %v", filter, name, got)
		}
		checkNeighbours(t, filter, name)
	})
}

// checkNeighbours looks for the name among others that are near it in byte order.
func checkNeighbours(t *testing.T, filter, name string) {
	all := model{name: 0, name + "!": 1, name + "/": 2, name + "/a": 3, name + "0": 4, "a": 5, "a/b": 6}
	var names Names[int]
	for name, value := range all {
		names.Set(name, value)
	}
	got, want := matching(&names, filter, ""), all.sorted(filter, "")
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("names: %q matches %q, want %q", filter, got, want)
	}
}
