package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store that the test closes, if it was not closed before.
func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// picture is all that a store gives back.
type picture struct {
	Meta, Base string
	State      map[string]string
	Log        []string
}

func pictureOf(t testing.TB, s *Store) picture {
	t.Helper()
	r := s.Recovered()
	p := picture{Meta: string(r.Meta), Base: string(r.Base), State: map[string]string{}}
	err := s.State(func(key, value []byte) error {
		p.State[string(key)] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Replay(func(record []byte) error {
		p.Log = append(p.Log, string(record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p picture) equal(o picture) bool {
	return p.Meta == o.Meta && p.Base == o.Base && maps.Equal(p.State, o.State) && fmt.Sprint(p.Log) == fmt.Sprint(o.Log)
}

// look opens a directory, takes the picture and closes it.
func look(t testing.TB, dir string) picture {
	t.Helper()
	s := open(t, dir)
	defer s.Close()
	return pictureOf(t, s)
}

// put appends records of text.
func put(t testing.TB, s *Store, records ...string) {
	t.Helper()
	var all [][]byte
	for _, r := range records {
		all = append(all, []byte(r))
	}
	if err := s.Append(Records(all...), true); err != nil {
		t.Fatal(err)
	}
}

// checkpoint rotates the log and commits.
func checkpoint(t testing.TB, s *Store, base, meta string, changes map[string][]byte) {
	t.Helper()
	segment, err := s.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(Checkpoint{Segment: segment, Base: []byte(base), Meta: []byte(meta), Changes: changes}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasStoredIsRecovered(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if r := s.Recovered(); r.Base != nil || r.Meta != nil {
		t.Fatalf("a new store recovers %+v", r)
	}
	put(t, s, "one", "two")
	checkpoint(t, s, "base", "meta", map[string][]byte{"a": []byte("1"), "b": {}, "c": nil})
	put(t, s, "three")
	s.Close()
	want := picture{"meta", "base", map[string]string{"a": "1", "b": ""}, []string{"three"}}
	if got := look(t, dir); !got.equal(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	var old []string
	s = open(t, dir)
	s.Old(func(record []byte) error {
		old = append(old, string(record))
		return nil
	})
	if fmt.Sprint(old) != "[one two]" {
		t.Fatalf("kept for peers: %v", old)
	}
}

func TestLogBeforeTheFirstCheckpoint(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "one")
	if _, err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "two")
	s.Close()
	want := picture{State: map[string]string{}, Log: []string{"one", "two"}}
	if got := look(t, dir); !got.equal(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

// anyKey returns a key of some length, often one that shares a long beginning with others.
func anyKey(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return fmt.Sprint(r.IntN(1000))
	case 1:
		return strings.Repeat("x", keyPrefix-2+r.IntN(5))
	case 2:
		return strings.Repeat("x", keyPrefix) + fmt.Sprint(r.IntN(1000))
	}
	return strings.Repeat("y", 1<<17) + fmt.Sprint(r.IntN(20))
}

func TestStateIsWhatWasCommitted(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 0))
		dir := t.TempDir()
		want := map[string]string{}
		s := open(t, dir)
		for i := range 12 {
			changes := map[string][]byte{}
			for range r.IntN(300) {
				key := anyKey(r)
				if r.IntN(3) == 0 {
					changes[key] = nil
					delete(want, key)
					continue
				}
				changes[key] = bytes.Repeat([]byte{byte(i)}, r.IntN(1<<r.IntN(15)))
				want[key] = string(changes[key])
			}
			checkpoint(t, s, "base", "meta", changes)
			if r.IntN(4) == 0 {
				s.Close()
				s = open(t, dir)
			}
			if got := pictureOf(t, s).State; !maps.Equal(got, want) {
				t.Fatalf("seed %d, commit %d: %d records, want %d", seed, i, len(got), len(want))
			}
			if n := s.Stats().Records; n != uint64(len(want)) {
				t.Fatalf("seed %d, commit %d: counts %d records, has %d", seed, i, n, len(want))
			}
		}
		s.Close()
	}
}

func TestSecondStoreIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second Open says %v", err)
	}
	s.Close()
	open(t, dir)
}

func TestVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	for content, want := range map[string]string{
		"foxmq data 2\n": "is in data format 2, and this foxmq reads format 1 only",
		"something":      "is not of foxmq",
		"":               "is not of foxmq",
	} {
		if err := os.WriteFile(filepath.Join(dir, nameVersion), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("VERSION %q: %v", content, err)
		}
	}
	os.Remove(filepath.Join(dir, nameVersion))
	if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "no file VERSION") {
		t.Errorf("no VERSION: %v", err)
	}
}

func TestLostStateFileIsDamage(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	os.Remove(filepath.Join(dir, nameState))
	var corrupt *CorruptError
	if _, err := Open(Config{Dir: dir}); !errors.As(err, &corrupt) {
		t.Fatalf("a store without its state opens with %v", err)
	}
}

func TestDirectoryIsTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "0")
	open(t, dir)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
}

// TestHeldRecords: with Sync, records that are not urgent come onto the disk with the next that are, before these, or
// when there are many of them, or at the end.
func TestHeldRecords(t *testing.T) {
	dir, files := t.TempDir(), faultfs.New(1)
	s, err := Open(Config{Dir: dir, Durability: Sync, FS: files})
	if err != nil {
		t.Fatal(err)
	}
	lazily := func(record []byte) {
		t.Helper()
		if err := s.Append(Records(record), false); err != nil {
			t.Fatal(err)
		}
	}
	lazily([]byte("one"))
	lazily([]byte("two"))
	if s.Stats().Log.Bytes > 0 {
		t.Error("they are written at once")
	}
	files.SetHook(failing(syscall.EIO, faultfs.Sync))
	if err := s.Append(Records([]byte("three")), true); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	files.SetHook(nil)
	put(t, s, "three")
	if st := s.Stats().Log; st.Bytes == 0 || st.Unsynced > 0 {
		t.Errorf("%+v", st)
	}
	before := s.Stats().Log.Bytes
	lazily(make([]byte, maxHeld))
	lazily([]byte("five"))
	if s.Stats().Log.Bytes < before+maxHeld {
		t.Error("they wait though there are many")
	}
	lazily([]byte("six"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(Config{Dir: dir, FS: files})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if log := pictureOf(t, s).Log; len(log) != 6 || fmt.Sprint(log[:3], log[4:]) != "[one two three] [five six]" {
		t.Errorf("%d records: %.50q", len(log), log)
	}
}

// TestRotateWritesWhatIsHeld: what was appended before comes into the segment before, and no two checkpoints with records
// between them have the same segment: the base of the second would take the place of the first one's, before its state does.
func TestRotateWritesWhatIsHeld(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), Durability: Sync})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for want := uint64(2); want < 5; want++ {
		if err := s.Append(Records([]byte("not urgent")), false); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Rotate(); err != nil || got != want {
			t.Fatalf("Rotate returns %d, %v, want %d", got, err, want)
		}
	}
}
