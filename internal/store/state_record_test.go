package store

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzStoredRecord(f *testing.F) {
	f.Add([]byte("key"), []byte("value"))
	f.Add([]byte(strings.Repeat("k", keyPrefix+1)), []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		stored := storedKey(key)
		b := appendStored(nil, key, value)
		if len(b) > storedSize(key, value) {
			t.Errorf("%d bytes, no more than %d were said", len(b), storedSize(key, value))
		}
		k, v, ok := splitStored(stored, b)
		if !ok || !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Errorf("%q, %q comes back as %q, %q, %t", key, value, k, v, ok)
		}
		for i := range b {
			b[i] ^= 1
			if k, _, ok := splitStored(stored, b); ok || k != nil && !bytes.Equal(k, key) {
				t.Errorf("with byte %d flipped, key %q, %t", i, k, ok)
			}
			b[i] ^= 1
		}
	})
}

func FuzzSplitStored(f *testing.F) {
	long := []byte(strings.Repeat("k", keyPrefix+1))
	f.Add(storedKey(long), appendStored(nil, long, []byte("value")))
	f.Add([]byte("key"), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, stored, b []byte) {
		key, value, ok := splitStored(stored, b)
		if ok && len(stored) <= keyPrefix && !bytes.Equal(appendStored(nil, key, value), b) {
			t.Errorf("%q under %q is not what %q, %q is stored as", b, stored, key, value)
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add(header{Segment: 1, Records: 2, Meta: []byte("meta")}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := decodeHeader(b); ok && !bytes.Equal(h.encode(), b) {
			t.Errorf("%x is decoded as %+v", b, h)
		}
	})
}

func TestStoredKeysKeepTheOrder(t *testing.T) {
	x := strings.Repeat("x", keyPrefix)
	ascending := []string{"a", "b", "ba", x[:keyPrefix-1], x, x + "y", "y"}
	for i, key := range ascending[1:] {
		if bytes.Compare(storedKey([]byte(ascending[i])), storedKey([]byte(key))) >= 0 {
			t.Errorf("key %d stands behind key %d", i, i+1)
		}
	}
}
