package store

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// machine is one on which a store's process is killed, and which loses power.
type machine struct {
	t     *testing.T
	dir   string
	files *faultfs.FS
	boot  string
}

// open opens the store as it was left, and says whether it is unsure.
func (m *machine) open(d Durability) (s *Store, unsure bool) {
	m.t.Helper()
	s, err := Open(Config{Dir: m.dir, Durability: d, FS: m.files, Boot: m.boot})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { s.Close() })
	return s, s.Recovered().Unsure
}

// kill ends the process, and the machine's boot too if power is lost.
func (m *machine) kill(s *Store, power bool) {
	m.files.SetHook(func(faultfs.Op) error { return faultfs.ErrPower })
	s.Close()
	m.files.Restart(power)
	if power {
		m.boot += "'"
	}
}

// TestUnsure: a store says that it may lack urgent records where they were not synced and the machine lost power since;
// and goes on saying so until it has others.
func TestUnsure(t *testing.T) {
	m := &machine{t, t.TempDir(), faultfs.New(1), "boot"}
	for _, c := range []struct {
		name                       string
		durability                 Durability
		append, urgent, end, power bool
		unsure                     bool // when it is opened after that
	}{
		{"a new one", Flush, false, false, true, true, false},
		{"killed", Flush, true, true, false, false, false},
		{"closed", Flush, true, true, true, true, false},
		{"power lost", Flush, true, true, false, true, true},
		{"nothing since", Flush, false, false, false, false, true},
		{"others' records since", Flush, true, false, false, false, true},
		{"nothing since, and closed", Flush, false, false, true, true, true},
		{"killed later", Flush, true, true, false, false, false},
		{"power lost again", Flush, true, true, false, true, true},
		{"synced", Sync, true, true, false, true, false},
	} {
		s, _ := m.open(c.durability)
		if c.append {
			if err := s.Append(Records([]byte("x")), c.urgent); err != nil {
				t.Fatal(err)
			}
		}
		if c.end {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		m.kill(s, c.power)
		s, unsure := m.open(Flush)
		if unsure != c.unsure {
			t.Errorf("%s: unsure %t", c.name, unsure)
		}
		m.kill(s, false)
	}
}

// TestUnsafeStaysUnsure: a sync fails, and what it was to sync is lost with the power even if a later one works, and the
// store is closed.
func TestUnsafeStaysUnsure(t *testing.T) {
	m := &machine{t, t.TempDir(), faultfs.New(1), "boot"}
	s, _ := m.open(Flush)
	put(t, s, "one")
	m.files.SetHook(failing(syscall.EIO, faultfs.Sync))
	if err := s.log.flush(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	m.files.SetHook(nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	m.kill(s, true)
	if _, unsure := m.open(Flush); !unsure {
		t.Error("it is sure")
	}
}

// TestUnsureSetAside: what is set aside says nothing of what comes instead.
func TestUnsureSetAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	put(t, s, "one")
	if !exists(filepath.Join(dir, nameUnsynced)) {
		t.Fatal("an open store that has written says nothing")
	}
	if _, err := SetAside(dir, "1"); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(dir, nameUnsynced)) {
		t.Fatal("still there")
	}
}
