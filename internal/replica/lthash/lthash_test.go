package lthash

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// naive is the hash said slowly: an array of lanes, and no more than one at a time.
type naive [lanes]uint16

func (n *naive) change(element []byte, sign uint16) {
	key := sha256.Sum256(element)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	var counter, stream [aes.BlockSize]byte
	for i := range n {
		if i%8 == 0 {
			binary.BigEndian.PutUint64(counter[8:], uint64(i/8))
			block.Encrypt(stream[:], counter[:])
		}
		n[i] += sign * binary.LittleEndian.Uint16(stream[2*(i%8):])
	}
}

func (n *naive) sum() [sha256.Size]byte {
	var b []byte
	for _, lane := range n {
		b = binary.LittleEndian.AppendUint16(b, lane)
	}
	return sha256.Sum256(b)
}

// TestLikeTheNaive changes a set at random and compares with the naive hash; then it takes all out again.
func TestLikeTheNaive(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, 0))
	var h Hash
	var n naive
	empty := h.Sum()
	in := map[int]bool{}
	change := func(e int) {
		element := []byte(fmt.Sprint(e))
		s := SeedOf(element)
		if in[e] {
			h.Remove(&s)
			n.change(element, 0xFFFF)
		} else {
			h.Add(&s)
			n.change(element, 1)
		}
		in[e] = !in[e]
	}
	for i := range 500 {
		change(random.IntN(60))
		if h.Sum() != n.sum() {
			t.Fatalf("seed %d: after change %d the hash is not the naive one", seed, i+1)
		}
	}
	for e := range 60 {
		if in[e] {
			change(e)
		}
	}
	if h.Sum() != empty {
		t.Error("something is left of the elements that were removed")
	}
}

// TestOrderDoesNotMatter: the hash of {a, b, c} is the same in any order, and not that of {a, a, b, c} or {a, b}.
func TestOrderDoesNotMatter(t *testing.T) {
	sum := func(elements ...string) [sha256.Size]byte {
		var h Hash
		for _, e := range elements {
			s := SeedOf([]byte(e))
			h.Add(&s)
		}
		return h.Sum()
	}
	abc := sum("a", "b", "c")
	if sum("c", "a", "b") != abc {
		t.Error("the order matters")
	}
	if sum("a", "a", "b", "c") == abc || sum("a", "b") == abc || sum("ab", "c") == abc {
		t.Error("another set has the same hash")
	}
}

func BenchmarkAdd(b *testing.B) {
	var h Hash
	s := SeedOf([]byte("element"))
	b.ReportAllocs()
	for b.Loop() {
		h.Add(&s)
	}
}
