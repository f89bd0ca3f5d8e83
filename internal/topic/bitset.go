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

// fewMembers is the length up to which a set is a list.
const fewMembers = 16

// members is a set of small numbers that takes little memory while they are few.
type members struct {
	few  []int  // in any order
	many bitset // instead of few, if size is or was more than fewMembers
	size int
}

func (m *members) add(i int) {
	m.size++
	switch {
	case m.many != nil:
		m.many.add(i)
	case m.size <= fewMembers:
		m.few = append(m.few, i)
	default:
		for _, old := range m.few {
			m.many.add(old)
		}
		m.many.add(i)
		m.few = nil
	}
}

// remove takes a number out that is in the set.
func (m *members) remove(i int) {
	m.size--
	if m.many != nil {
		m.many.remove(i)
		return
	}
	at := slices.Index(m.few, i)
	m.few = slices.Delete(m.few, at, at+1)
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
