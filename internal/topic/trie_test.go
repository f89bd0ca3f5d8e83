package topic

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	if !trie.root.empty() {
		t.Error("nodes are left without subscriptions")
	}
}

// TestTrieChangesNothingOnFailure: to unsubscribe from what nobody subscribed to leaves the rest.
func TestTrieChangesNothingOnFailure(t *testing.T) {
	var trie Trie[string, int]
	trie.Subscribe("a/+/b", "key", 1)
	for _, filter := range []string{"a", "a/+", "a/#", "a/+/b/c", "a/+/b/#", "a/x/b", "#", "+"} {
		if trie.Unsubscribe(filter, "key") {
			t.Errorf("unsubscribed from %q", filter)
		}
	}
	if got := trieMatches(&trie, "a/x/b"); !slices.Equal(got, []string{"key 1"}) {
		t.Errorf("got %q", got)
	}
}
