package bench

import (
	"math/bits"
	"time"
)

// fineBits is how many bits below its highest one tell a value from another: a bucket is at most 1/64 as wide as what
// it holds.
const fineBits = 6

// histogram counts durations in buckets whose width grows with what they hold. The zero value is empty.
type histogram struct {
	counts [(64 - fineBits) << fineBits]uint64
	total  uint64
}

// bucket returns where v is counted. Values below 2<<fineBits have buckets of their own.
func bucket(v uint64) int {
	shift := max(0, bits.Len64(v)-fineBits-1)
	return shift<<fineBits + int(v>>shift)
}

// ceiling returns the largest value that is counted in bucket i.
func ceiling(i int) uint64 {
	shift := max(0, i>>fineBits-1)
	return uint64(i-shift<<fineBits+1)<<shift - 1
}

// add counts d; what is negative counts as 0.
func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(0, d)))]++
	h.total++
}

// merge adds all that o has counted.
func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
}

// permille returns a duration that p of 1,000 counted ones do not exceed, up to a 64th too long. It is 0 if nothing
// was counted.
func (h *histogram) permille(p uint64) time.Duration {
	rank := (h.total*p + 999) / 1000
	seen := uint64(0)
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return time.Duration(ceiling(i))
		}
	}
	return 0
}
