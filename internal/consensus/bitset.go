package consensus

// bitset is a set of small numbers. What was never set is not in it.
type bitset []uint64

func (b bitset) has(i int32) bool {
	word := int(i >> 6)
	return word < len(b) && b[word]>>(i&63)&1 == 1
}

// set adds i, or leaves it out. Numbers are set once, in ascending order.
func (b *bitset) set(i int32, in bool) {
	if !in {
		return
	}
	for len(*b) <= int(i>>6) {
		*b = append(*b, 0)
	}
	(*b)[i>>6] |= 1 << (i & 63)
}
