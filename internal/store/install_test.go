package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func add(t testing.TB, i *Import, key, value string) {
	t.Helper()
	if err := i.Add([]byte(key), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func newImport(t testing.TB, s *Store, identity string) *Import {
	t.Helper()
	i, err := s.NewImport([]byte(identity))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

func TestImportIsResumed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	i := newImport(t, s, "A")
	value := string(make([]byte, 1<<20))
	for n := range 10 {
		add(t, i, fmt.Sprintf("%02d", n), value)
	}
	if last, n := i.Progress(); string(last) != "09" || n != 10 {
		t.Fatalf("progress %q, %d", last, n)
	}
	i.Close() // what was not committed is lost, as it is when the process dies
	s.Close()

	s = open(t, dir)
	i = newImport(t, s, "A")
	last, n := i.Progress()
	if string(last) != "07" || n != 8 {
		t.Fatalf("progress after a new start %q, %d", last, n)
	}
	add(t, i, "08", "")
	if err := i.Install([]byte("base"), []byte("meta"), nil); err != nil {
		t.Fatal(err)
	}
	i.Close()
	s.Close()
	if got := look(t, dir); len(got.State) != 9 || got.Base != "base" || got.State["00"] != value {
		t.Fatalf("installed %d records, base %q", len(got.State), got.Base)
	}
}

func TestImportOfAnotherCheckpointStartsAfresh(t *testing.T) {
	s := open(t, t.TempDir())
	i := newImport(t, s, "A")
	add(t, i, "a", "1")
	if err := i.State(func(_, _ []byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	i.Close()
	i = newImport(t, s, "B")
	if last, n := i.Progress(); last != nil || n != 0 {
		t.Fatalf("progress %q, %d", last, n)
	}
	if err := i.Discard(); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(s.cfg.Dir, nameFetch)) {
		t.Fatal("what was discarded is there")
	}
}

func TestImportRefusesDisorder(t *testing.T) {
	i := newImport(t, open(t, t.TempDir()), "A")
	add(t, i, "b", "")
	for _, key := range []string{"", "a", "b"} {
		if i.Add([]byte(key), nil) == nil {
			t.Errorf("%q was added behind \"b\"", key)
		}
	}
}

func TestDamagedImportStartsAfresh(t *testing.T) {
	s := open(t, t.TempDir())
	i := newImport(t, s, "A")
	add(t, i, "a", "a value that is found")
	if err := i.State(func(_, _ []byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	i.Close()
	flip(t, filepath.Join(s.cfg.Dir, nameFetch, nameState), "a value that is found")
	if _, n := newImport(t, s, "A").Progress(); n != 0 {
		t.Fatalf("goes on behind %d records", n)
	}
}

func TestSetAsideKeepsTwo(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "0")
	for n := range 4 {
		open(t, dir).Close()
		if _, err := SetAside(dir, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	entries, _ := os.ReadDir(parent)
	if fmt.Sprint(entries) != "[d 0.aside-2/ d 0.aside-3/]" {
		t.Fatalf("left: %v", entries)
	}
	open(t, dir).Close()
	if _, err := SetAside(dir, "3"); !errors.Is(err, os.ErrExist) {
		t.Fatalf("the same name twice: %v", err)
	}
}

// TestContentsAreSetAside: a crash anywhere in the middle leaves what can be set aside again, or is as good as new.
func TestContentsAreSetAside(t *testing.T) {
	names := []string{nameState, nameLog, nameFetch, nameInstall, nameVersion}
	for moved := range len(names) + 1 {
		dir := t.TempDir()
		s := open(t, dir)
		checkpoint(t, s, "base", "meta", map[string][]byte{"key": []byte("the value")})
		s.Close()
		half := filepath.Join(dir, asideMark+"0")
		os.Mkdir(half, 0o700)
		for _, name := range names[:moved] {
			os.Rename(filepath.Join(dir, name), filepath.Join(half, name))
		}
		s, err := Open(Config{Dir: dir})
		var corrupt *CorruptError
		if errors.As(err, &corrupt) {
			if err := moveContents(dir, filepath.Join(dir, asideMark+"1")); err != nil {
				t.Fatal(err)
			}
			s, err = Open(Config{Dir: dir})
		}
		if err != nil {
			t.Fatalf("%d parts were moved before the crash: %v", moved, err)
		}
		if got := pictureOf(t, s).State; moved > 0 && len(got) > 0 {
			t.Errorf("%d parts were moved before the crash: it holds %q", moved, got)
		}
		s.Close()
	}
}
