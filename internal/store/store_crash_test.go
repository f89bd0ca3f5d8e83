package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// crashes copies a directory at every step that a store tells of, as a process that dies there leaves it.
type crashes struct {
	t     *testing.T
	dir   string
	steps []string
	at    map[string]string // copies by step
}

func (c *crashes) stepped(step string) {
	c.steps = append(c.steps, step)
	to := c.t.TempDir()
	if err := os.CopyFS(to, os.DirFS(c.dir)); err != nil {
		c.t.Fatal(err)
	}
	if c.at == nil {
		c.at = map[string]string{}
	}
	c.at[step] = to
}

func TestCommitIsWholeAfterACrash(t *testing.T) {
	c := &crashes{t: t, dir: t.TempDir()}
	s, err := openStepped(Config{Dir: c.dir, KeepBytes: -1}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put(t, s, "one")
	checkpoint(t, s, "base 1", "meta 1", map[string][]byte{"a": []byte("1"), "b": []byte("1")})
	put(t, s, "two")
	segment, err := s.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "three")
	before := picture{"meta 1", "base 1", map[string]string{"a": "1", "b": "1"}, []string{"two", "three"}}
	after := picture{"meta 2", "base 2", map[string]string{"a": "2"}, []string{"three"}}

	s.stepped = c.stepped
	changes := map[string][]byte{"a": []byte("2"), "b": nil}
	if err := s.Commit(Checkpoint{Segment: segment, Base: []byte("base 2"), Meta: []byte("meta 2"), Changes: changes}); err != nil {
		t.Fatal(err)
	}
	want := before
	for _, step := range c.steps {
		if step == "state committed" {
			want = after
		}
		if got := look(t, c.at[step]); !got.equal(want) {
			t.Errorf("crash after %q: got %+v, want %+v", step, got, want)
		}
	}
	if len(c.steps) != 4 {
		t.Errorf("steps %q", c.steps)
	}
}

func TestInstallIsWholeAfterACrash(t *testing.T) {
	c := &crashes{t: t, dir: t.TempDir()}
	s, err := openStepped(Config{Dir: c.dir}, c.stepped)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint(t, s, "base 1", "meta 1", map[string][]byte{"a": []byte("1"), "b": []byte("1")})
	put(t, s, "one")
	before := picture{"meta 1", "base 1", map[string]string{"a": "1", "b": "1"}, []string{"one"}}
	after := picture{"meta 9", "base 9", map[string]string{"a": "9", "c": "9"}, []string{"own"}}

	c.steps = nil
	i, err := s.NewImport([]byte("nine"))
	if err != nil {
		t.Fatal(err)
	}
	add(t, i, "a", "9")
	add(t, i, "c", "9")
	if err := i.Install([]byte("base 9"), []byte("meta 9"), [][]byte{[]byte("own")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(nil, true); !errors.Is(err, ErrInstalled) {
		t.Errorf("Append after Install: %v", err)
	}
	i.Close()
	s.Close()
	if s, err = openStepped(Config{Dir: c.dir}, c.stepped); err != nil {
		t.Fatal(err)
	}
	s.Close()

	want := before
	for _, step := range c.steps {
		if step == "marker written" {
			want = after
		}
		if got := look(t, c.at[step]); !got.equal(want) {
			t.Errorf("crash after %q: got %+v, want %+v", step, got, want)
		}
		if left := filepath.Join(c.at[step], nameFetch, nameState); want.equal(after) && exists(left) {
			t.Errorf("crash after %q: %s is left", step, left)
		}
	}
	if len(c.steps) != 8 {
		t.Errorf("steps %q", c.steps)
	}
}
