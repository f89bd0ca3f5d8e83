package store

import (
	"errors"
	"fmt"
	"testing"
)

func TestViewStaysAsItIs(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.View(); err != ErrNoCheckpoint {
		t.Fatalf("a view of nothing: %v", err)
	}
	changes := map[string][]byte{}
	for i := range 2000 {
		changes[fmt.Sprintf("%04d", i)] = make([]byte, 1000)
	}
	checkpoint(t, s, "base 1", "meta 1", changes)
	v, err := s.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for n := range 20 { // the file grows many times over
		for key := range changes {
			changes[key] = fmt.Appendf(nil, "%01000d", n)
		}
		checkpoint(t, s, fmt.Sprint("base ", n+2), "meta", changes)
	}
	if string(v.Base) != "base 1" || string(v.Meta) != "meta 1" || v.Count != 2000 {
		t.Fatalf("view of %q, %q, %d records", v.Base, v.Meta, v.Count)
	}
	if n := readAll(t, v, make([]byte, 1000)); n != 2000 {
		t.Fatalf("%d records", n)
	}
}

// readAll reads a view a hundred records at a time, as it is streamed to a peer.
func readAll(t *testing.T, v *View, want []byte) (n int) {
	t.Helper()
	enough := errors.New("enough")
	var last []byte
	for {
		got := 0
		err := v.Records(last, func(key, value []byte) error {
			if got == 100 {
				return enough
			}
			if string(key) != fmt.Sprintf("%04d", n) || string(value) != string(want) {
				t.Fatalf("record %d is %q: %.20q", n, key, value)
			}
			last = append([]byte(nil), key...)
			got++
			n++
			return nil
		})
		if err != nil && err != enough {
			t.Fatal(err)
		}
		if err == nil {
			return n
		}
	}
}
