package topic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNamesManyChunks fills and empties enough names for chunks to be split, merged and dropped.
func TestNamesManyChunks(t *testing.T) {
	const count = 20 * maxChunk
	random := rand.New(rand.NewPCG(1, 2))
	var names Names[int]
	for _, i := range random.Perm(count) {
		names.Set(deviceName(i), i)
	}
	gone := random.Perm(count)[:count*9/10]
	for _, i := range gone {
		if !names.Delete(deviceName(i)) {
			t.Fatalf("%s is not there", deviceName(i))
		}
	}
	var want []string
	for i := range count {
		if !slices.Contains(gone, i) {
			want = append(want, fmt.Sprint(deviceName(i), " ", i))
		}
	}
	slices.Sort(want)
	if got := matching(&names, "#", ""); !slices.Equal(got, want) {
		t.Fatalf("%d names are left, want %d", len(got), len(want))
	}
	if limit := 8 * names.Len() / maxChunk; len(names.chunks) > limit {
		t.Errorf("%d names lie in %d chunks, more than %d", names.Len(), len(names.chunks), limit)
	}
}

func TestNamesAll(t *testing.T) {
	var names Names[int]
	want := []string{"$SYS/x", "/", "a", "a/b"}
	for i, name := range want {
		names.Set(name, i)
	}
	var got []string
	for name, i := range names.All() {
		got = append(got, name)
		if want[i] != name {
			t.Errorf("%s has the value of %s", name, want[i])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for name := range names.All() {
		if name != want[0] {
			t.Errorf("went on to %q", name)
		}
		break
	}
}

func deviceName(i int) string { return fmt.Sprintf("device/%06d/%d", i/3, i%3) }

// TestNamesResume reads names a few at a time, as the replay of retained messages does.
func TestNamesResume(t *testing.T) {
	var names Names[int]
	for i := range 1000 {
		names.Set(deviceName(i), i)
	}
	var got []string
	for after := ""; ; {
		read := 0
		names.Match("device/+/1", after, func(name string, _ int) bool {
			got, after = append(got, name), name
			read++
			return read < 7
		})
		if read < 7 {
			break
		}
	}
	if len(got) != 333 || !slices.IsSorted(got) {
		t.Errorf("%d names, sorted %v; want 333 in order", len(got), slices.IsSorted(got))
	}
}
