package topic

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestTrieManySubscribers has one filter gain and lose more subscribers than a short list holds.
func TestTrieManySubscribers(t *testing.T) {
	const count = 5 * indexFrom
	random := rand.New(rand.NewPCG(3, 4))
	var trie Trie[string, int]
	all := model{}
	change := func(key string, value int) {
		_, there := all["a "+key]
		if value < 0 {
			delete(all, "a "+key)
			if trie.Unsubscribe("a", key) != there {
				t.Errorf("unsubscribe %s: was there %v", key, there)
			}
		} else {
			all["a "+key] = value
			if trie.Subscribe("a", key, value) == there {
				t.Errorf("subscribe %s: was there %v", key, there)
			}
		}
		if got, want := trieMatches(&trie, "a"), all.matches("a"); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	for range 4 * count {
		change(fmt.Sprint(random.IntN(count)), random.IntN(1000))
	}
	for range 8 * count {
		change(fmt.Sprint(random.IntN(count)), random.IntN(1000)-600)
	}
	for _, key := range random.Perm(count) {
		change(fmt.Sprint(key), -1)
	}
	checkEmpty(t, &trie)
}

// TestTrieManyWildcards has hundreds of filters come and go that all have something in common with a few names.
func TestTrieManyWildcards(t *testing.T) {
	const rounds = 3000
	random := rand.New(rand.NewPCG(5, 6))
	draw := func(from ...string) string {
		levels := make([]string, 5+random.IntN(3))
		for i := range levels {
			levels[i] = from[random.IntN(len(from))]
		}
		return strings.Join(levels, "/")
	}
	var trie Trie[string, int]
	all := model{}
	for i := range rounds {
		filter := draw("a", "+", "+", "+", "+", fmt.Sprint(i%20))
		if random.IntN(4) == 0 {
			filter += "/#"
		}
		trie.Subscribe(filter, "key", i)
		all[filter+" key"] = i
		if i%10 > 0 {
			continue
		}
		for _, name := range []string{draw("a", "b"), draw("a", fmt.Sprint(i%20)), "$" + draw("a")} {
			if got, want := trieMatches(&trie, name), all.matches(name); !slices.Equal(got, want) {
				t.Fatalf("%q: got %q, want %q", name, got, want)
			}
		}
		there := slices.Sorted(maps.Keys(all))
		for len(all) > 1500-i/2 {
			both := there[random.IntN(len(there))]
			filter, _, _ := strings.Cut(both, " ")
			if _, known := all[both]; trie.Unsubscribe(filter, "key") != known {
				t.Fatalf("unsubscribe %q: was there %v", filter, known)
			}
			delete(all, both)
		}
	}
	for _, both := range slices.Sorted(maps.Keys(all)) {
		filter, _, _ := strings.Cut(both, " ")
		if !trie.Unsubscribe(filter, "key") {
			t.Errorf("%q was not there", filter)
		}
	}
	checkEmpty(t, &trie)
}

// TestTrieChangesNothingOnFailure: to unsubscribe from what nobody subscribed to leaves the rest.
func TestTrieChangesNothingOnFailure(t *testing.T) {
	var trie Trie[string, int]
	trie.Subscribe("a/+/b", "key", 1)
	trie.Subscribe("+/+/+/+", "key", 2)
	for _, filter := range []string{"a", "a/+", "a/#", "a/+/b/c", "a/+/b/#", "a/x/b", "#", "+", "+/+/+/+/+", "+/+/+/+/#"} {
		if trie.Unsubscribe(filter, "key") {
			t.Errorf("unsubscribed from %q", filter)
		}
	}
	if got := trieMatches(&trie, "a/x/b"); !slices.Equal(got, []string{"key 1"}) {
		t.Errorf("got %q", got)
	}
}

// TestWildcardsTakeMemoryInProportion: filters with many wildcards and levels of their own, of which most are taken back.
func TestWildcardsTakeMemoryInProportion(t *testing.T) {
	const groups, made = 3000, 17
	var trie Trie[int, struct{}]
	before, size := heap(), 0
	for g := range groups {
		stem := "+/+/+/+/" + strings.Repeat(fmt.Sprintf("%x/", g), 190)
		for i := range made {
			trie.Subscribe(stem+fmt.Sprint(i), 1, struct{}{})
		}
		for i := range made - 1 {
			trie.Unsubscribe(stem+fmt.Sprint(i), 1)
		}
		size += len(stem)
	}
	if used := heap() - before; used > 50*size {
		t.Errorf("filters of %d bytes take %d", size, used)
	}
	runtime.KeepAlive(&trie)
}

// heap returns how many bytes are in use.
func heap() int {
	for range 2 { // for what is in a sync.Pool
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
