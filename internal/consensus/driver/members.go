package driver

import (
	"math/bits"

	"github.com/foxmq/foxmq/internal/event"
)

// usualMembers is how many members hardly any cluster exceeds: the capacity of short-lived slices of one element for
// each. It is a constant so that they are no allocations.
const usualMembers = 32

// members is a set of address-book indices.
type members [event.MaxMembers / 64]uint64

func (s *members) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *members) remove(i int)   { s[i/64] &^= 1 << (i % 64) }
func (s *members) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// count returns the size of the set.
func (s *members) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}
