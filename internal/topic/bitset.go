package topic

import (
	"math/bits"
	"slices"
)

// bitset is a set of small numbers. What is behind its end is not in it.
type bitset []uint64

func (b *bitset) add(i int) {
	if missing := i/64 + 1 - len(*b); missing > 0 {
		*b = append(*b, make(bitset, missing)...)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

// remove takes a number out that is in the set.
func (b *bitset) remove(i int) {
	(*b)[i/64] &^= 1 << (i % 64)
	end := len(*b)
	for end > 0 && (*b)[end-1] == 0 {
		end--
	}
	if *b = (*b)[:end]; cap(*b) > 4*end {
		*b = slices.Clip(slices.Clone(*b))
	}
}

func (b bitset) has(i int) bool { return i/64 < len(b) && b[i/64]>>(i%64)&1 == 1 }

// each calls f with the numbers, ascending.
func (b bitset) each(f func(int)) {
	for i, word := range b {
		for ; word != 0; word &= word - 1 {
			f(64*i + bits.TrailingZeros64(word))
		}
	}
}

// members is a set of small numbers: a list of them, or a bitset where that is not much longer. So what it takes is bounded
// by how many they are, however large.
type members struct {
	few  []int  // in any order
	many bitset // instead of few
	size int
}

func (m *members) add(i int) {
	m.size++
	switch {
	case m.many == nil:
		m.few = append(m.few, i)
		m.pack()
	case i/64 < 2*m.size:
		m.many.add(i)
	default:
		m.unpack()
		m.few = append(m.few, i)
	}
}

// remove takes a number out that is in the set.
func (m *members) remove(i int) {
	m.size--
	if m.many != nil {
		if m.many.remove(i); len(m.many) > 2*m.size {
			m.unpack()
		}
		return
	}
	at := slices.Index(m.few, i)
	m.few = slices.Delete(m.few, at, at+1)
	if cap(m.few) > 4*len(m.few) {
		m.few = slices.Clip(slices.Clone(m.few))
	}
}

// pack makes a list a bitset when the list has become as long. It is looked into only when the list has doubled.
func (m *members) pack() {
	if m.size < 16 || m.size&(m.size-1) != 0 || slices.Max(m.few)/64 >= m.size {
		return
	}
	for _, i := range m.few {
		m.many.add(i)
	}
	m.few = nil
}

// unpack makes a bitset a list.
func (m *members) unpack() {
	few := make([]int, 0, m.size+1)
	m.many.each(func(i int) { few = append(few, i) })
	m.few, m.many = few, nil
}

// include adds what is in both others. b is as long as left at least.
func (b bitset) include(left, other bitset) {
	for i := range min(len(left), len(other)) {
		b[i] |= left[i] & other[i]
	}
}

// exclude takes out what is in other.
func (b bitset) exclude(other bitset) {
	for i := range min(len(b), len(other)) {
		b[i] &^= other[i]
	}
}

// intersect takes out what is in neither x nor y. It returns what is left of b without the words at its end that are 0.
func (b bitset) intersect(x, y bitset) bitset {
	if len(x) < len(y) {
		x, y = y, x
	}
	b = b[:min(len(b), len(x))]
	both := min(len(b), len(y))
	for i, word := range y[:both] {
		b[i] &= x[i] | word
	}
	for i := both; i < len(b); i++ {
		b[i] &= x[i]
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
