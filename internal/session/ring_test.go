package session

import (
	"math/rand/v2"
	"testing"
)

// TestRingIsAQueue pushes and pops in bursts, and looks at all items.
func TestRingIsAQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var r ring[int]
	first, next := 0, 0
	for range 2000 {
		for range random.IntN(5 * block) {
			r.push(next)
			next++
		}
		for range random.IntN(6 * block) {
			if first < next {
				r.pop()
				first++
			}
		}
		if r.len() != next-first {
			t.Fatalf("len is %d, want %d", r.len(), next-first)
		}
		for i := range r.len() {
			if got := *r.at(i); got != first+i {
				t.Fatalf("item %d is %d, want %d", i, got, first+i)
			}
		}
		if head := r.first(); (head == nil) != (first == next) {
			t.Fatalf("the first of %d items is %v", next-first, head)
		}
	}
}

// BenchmarkRing lets a queue of some length run.
func BenchmarkRing(b *testing.B) {
	for name, length := range map[string]int{"short": 10, "long": 10_000} {
		b.Run(name, func(b *testing.B) {
			var r ring[Entry[*int]]
			for range length {
				r.push(Entry[*int]{})
			}
			b.ReportAllocs()
			for b.Loop() {
				r.push(Entry[*int]{})
				r.pop()
			}
		})
	}
}

// BenchmarkRingGrows fills a queue.
func BenchmarkRingGrows(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var r ring[Entry[*int]]
		for range 1 << 16 {
			r.push(Entry[*int]{})
		}
	}
}
