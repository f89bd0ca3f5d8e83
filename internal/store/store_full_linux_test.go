package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of a few MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file that leaves so much free.
func fill(t *testing.T, disk string, free int64) (empty func()) {
	t.Helper()
	path := filepath.Join(disk, "filler")
	if err := os.WriteFile(path, make([]byte, diskFree(disk)-free), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() { os.Remove(path) }
}

func values(n int, value byte) map[string][]byte {
	changes := map[string][]byte{}
	for i := range n {
		v := make([]byte, 2000)
		v[0] = value
		changes[fmt.Sprintf("%04d", i)] = v
	}
	return changes
}

func TestFullDiskIsSurvived(t *testing.T) {
	for _, free := range []int64{0, 64 << 10, 1 << 20} { // no room for the base, for the state, for all of the state
		t.Run(fmt.Sprint(free), func(t *testing.T) {
			disk := smallDisk(t)
			s := open(t, filepath.Join(disk, "0"))
			defer s.Close() // before the disk goes
			checkpoint(t, s, "base 1", "meta 1", values(1000, 1))
			segment, err := s.Rotate()
			if err != nil {
				t.Fatal(err)
			}
			second := Checkpoint{Segment: segment, Base: make([]byte, 8<<10), Meta: []byte("meta 2"), Changes: values(1000, 2)}
			empty := fill(t, disk, free)
			for range 3 {
				if err := s.Commit(second); !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("Commit on a full disk: %v", err)
				}
			}
			if got := pictureOf(t, s).State; len(got) != 1000 || got["0500"][0] != 1 {
				t.Fatalf("after that, %d records, %x", len(got), got["0500"][:1])
			}
			empty()
			second.Changes["more"] = []byte{}
			if err := s.Commit(second); err != nil {
				t.Fatalf("Commit when there is room again: %v", err)
			}
			s.Close()
			got := look(t, filepath.Join(disk, "0"))
			if got.Meta != "meta 2" || len(got.State) != 1001 || got.State["0500"][0] != 2 {
				t.Fatalf("meta %q, %d records", got.Meta, len(got.State))
			}
		})
	}
}

func TestImportSurvivesAFullDisk(t *testing.T) {
	disk := smallDisk(t)
	dir := filepath.Join(disk, "0")
	s := open(t, dir)
	i := newImport(t, s, "A")
	empty := fill(t, disk, 2<<20)
	value := make([]byte, 1<<20)
	n := 0
	for ; n < 8; n++ {
		if err := i.Add(fmt.Append(nil, n), value); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Install(nil, nil, nil); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("%d records added, then Install on a full disk: %v", n, err)
	}
	empty()
	for ; n < 8; n++ {
		add(t, i, fmt.Sprint(n), string(value))
	}
	if err := i.Install([]byte("base"), []byte("meta"), nil); err != nil {
		t.Fatal(err)
	}
	i.Close()
	s.Close()
	if got := look(t, dir); len(got.State) != 8 {
		t.Fatalf("%d records", len(got.State))
	}
}

// TestSetAsideOfAMountPoint: a data directory that cannot be renamed has its contents set aside within it, twice at most.
func TestSetAsideOfAMountPoint(t *testing.T) {
	dir := smallDisk(t)
	for n := range 4 {
		s := open(t, dir)
		if got := pictureOf(t, s).State; len(got) > 0 {
			t.Fatalf("it begins with %q", got)
		}
		checkpoint(t, s, "base", "meta", map[string][]byte{"key": fmt.Append(nil, n)})
		s.Close()
		aside, err := SetAside(dir, fmt.Sprint(n))
		if err != nil {
			t.Fatal(err)
		}
		if got := look(t, aside).State; got["key"] != fmt.Sprint(n) {
			t.Errorf("%s holds %q", aside, got)
		}
	}
	entries, _ := os.ReadDir(dir)
	if fmt.Sprint(entries) != "[- LOCK d aside-2/ d aside-3/]" {
		t.Fatalf("left: %v", entries)
	}
}
