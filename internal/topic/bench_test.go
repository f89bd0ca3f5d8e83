package topic

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// tenThousand returns a trie of 10,000 filters: 100 rooms with 97 devices each and three wildcards.
func tenThousand() *Trie[int, int] {
	var trie Trie[int, int]
	for room := range 100 {
		for device := range 97 {
			trie.Subscribe(fmt.Sprintf("house/room%d/device%d/state", room, device), device, 0)
		}
		trie.Subscribe(fmt.Sprintf("house/room%d/+/state", room), room, 0)
		trie.Subscribe(fmt.Sprintf("house/room%d/#", room), room, 0)
		trie.Subscribe(fmt.Sprintf("+/room%d/+/+", room), room, 0)
	}
	return &trie
}

func BenchmarkTrieMatch(b *testing.B) {
	trie := tenThousand()
	found := 0
	count := func(int, int) { found++ }
	b.ReportAllocs()
	for b.Loop() {
		trie.Match("house/room42/device17/state", count)
	}
	if found != 4*b.N {
		b.Fatalf("%d matches in %d calls", found, b.N)
	}
}

// BenchmarkTrieMatchDeep has the most filters of a client match a name of many levels, while they have little in common.
func BenchmarkTrieMatchDeep(b *testing.B) {
	const levels = 100
	random := rand.New(rand.NewPCG(1, 2))
	var trie Trie[int, int]
	for i := range 10_000 {
		filter := make([]string, levels)
		for j := range filter {
			filter[j] = []string{"a", "+"}[random.IntN(2)]
		}
		trie.Subscribe(strings.Join(filter, "/"), i, 0)
	}
	name := strings.Repeat("a/", levels-1) + "a"
	b.ReportAllocs()
	for b.Loop() {
		trie.Match(name, func(int, int) {})
	}
}

// BenchmarkTrieMatchManyWildcards has filters of many wildcards, one of which matches.
func BenchmarkTrieMatchManyWildcards(b *testing.B) {
	var trie Trie[int, int]
	for i := range 1000 {
		trie.Subscribe(fmt.Sprintf("+/+/+/+/device%d", i), i, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		trie.Match("house/floor/room/wall/device42", func(int, int) {})
	}
}

func BenchmarkTrieSubscribe(b *testing.B) {
	trie := tenThousand()
	b.ReportAllocs()
	for b.Loop() {
		trie.Subscribe("house/room42/other/state", 1, 1)
		trie.Unsubscribe("house/room42/other/state", 1)
	}
}

func BenchmarkNames(b *testing.B) {
	var names Names[int]
	for i := range 300_000 {
		names.Set(deviceName(i), i)
	}
	b.Run("set and delete", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			names.Set("device/042000/x", 1)
			names.Delete("device/042000/x")
		}
	})
	for _, filter := range []string{"device/042000/1", "device/042000/#", "+/042000/1"} {
		b.Run(filter, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				names.Match(filter, "", func(string, int) bool { return true })
			}
		})
	}
}

// TestMatchAllocatesNothing keeps the dispatch of a message free of garbage.
func TestMatchAllocatesNothing(t *testing.T) {
	trie := tenThousand()
	ignore := func(int, int) {}
	if n := testing.AllocsPerRun(100, func() { trie.Match("house/room42/device17/state", ignore) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
