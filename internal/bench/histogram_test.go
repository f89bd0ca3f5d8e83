package bench

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHistogramIsCloseToASortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 300).Draw(t, "values")
		split := rapid.IntRange(0, len(values)).Draw(t, "split")
		var h, other histogram
		for i, v := range values {
			if i < split {
				h.add(time.Duration(v))
			} else {
				other.add(time.Duration(v))
			}
		}
		h.merge(&other)
		slices.Sort(values)
		for _, p := range []uint64{0, 1, 500, 990, 999, 1000} {
			rank := max(1, (len(values)*int(p)+999)/1000)
			exact := values[rank-1]
			if got := int64(h.permille(p)); got < exact || got > exact+exact/64 {
				t.Fatalf("permille %d is %d, want %d to a 64th more", p, got, exact)
			}
		}
	})
}

func TestBucketsHoldEveryDurationInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Uint64Range(0, 1<<63-1).Draw(t, "v")
		i := bucket(v)
		if top := ceiling(i); top < v || bucket(top) != i || bucket(top+1) != i+1 {
			t.Fatalf("%d is in bucket %d, which ends at %d", v, i, top)
		}
	})
}

func TestEmptyHistogram(t *testing.T) {
	var h histogram
	h.add(-time.Second)
	if got := h.permille(500); got != 0 {
		t.Errorf("a negative duration counts as %v", got)
	}
	if got := new(histogram).permille(999); got != 0 {
		t.Errorf("nothing has a permille of %v", got)
	}
}
