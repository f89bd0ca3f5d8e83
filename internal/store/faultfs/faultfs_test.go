package faultfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/foxmq/foxmq/internal/store/faultfs"
	"github.com/foxmq/foxmq/internal/store/vfs"
)

const create = os.O_RDWR | os.O_CREATE

func opened(t *testing.T, files *faultfs.FS, name string, flag int) vfs.File {
	t.Helper()
	f, err := files.Open(name, flag)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f vfs.File, at int64, data []byte) {
	t.Helper()
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
}

// TestLossOfPower writes 2,000 bytes behind 2,000 that are synced: these stay, of the others anything may.
func TestLossOfPower(t *testing.T) {
	safe, later := bytes.Repeat([]byte{1}, 2000), bytes.Repeat([]byte{2}, 2000)
	none, all, torn, holes, gone := 0, 0, 0, 0, 0
	for seed := range uint64(200) {
		files := faultfs.New(seed)
		f := opened(t, files, "a", create)
		write(t, f, 0, safe)
		if err := errors.Join(f.Sync(), files.SyncDir(".")); err != nil {
			t.Fatal(err)
		}
		opened(t, files, "b", create)
		write(t, f, 2000, later)
		files.Restart(true)
		if _, err := f.Size(); !errors.Is(err, fs.ErrClosed) {
			t.Fatal(err)
		}
		got, _ := files.ReadFile("a")
		if !bytes.HasPrefix(got, safe) {
			t.Fatalf("seed %d: what was synced is lost", seed)
		}
		switch rest := got[2000:]; {
		case len(rest) == 0:
			none++
		case bytes.Equal(rest, later):
			all++
		case bytes.Equal(rest, later[:len(rest)]):
			torn++
		default:
			holes++
		}
		if _, there := files.ReadFile("b"); !there {
			gone++
		}
	}
	if none == 0 || all == 0 || torn == 0 || holes == 0 || gone == 0 || gone == 200 {
		t.Errorf("%d lost nothing, %d all, %d torn, %d with holes, %d lost the other file's name", all, none, torn, holes, gone)
	}
}

// TestKill ends the process only: all that was written is there.
func TestKill(t *testing.T) {
	files := faultfs.New(1)
	write(t, opened(t, files, "a", create), 0, []byte("abc"))
	if err := files.Rename("a", "b"); err != nil {
		t.Fatal(err)
	}
	files.Restart(false)
	if got, _ := files.ReadFile("b"); string(got) != "abc" {
		t.Fatalf("%q", got)
	}
}

// TestCutAt lets the power go at each of the points: nothing works from then on, until the restart.
func TestCutAt(t *testing.T) {
	run := func(files *faultfs.FS) error {
		f, err := files.Open("a", create)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("abc"), 0)
		return errors.Join(err, f.Truncate(2), f.Sync(), files.Rename("a", "b"), files.SyncDir("."), files.Remove("b"))
	}
	files := faultfs.New(1)
	if err := run(files); err != nil || files.Points() != 7 {
		t.Fatal(err, files.Points())
	}
	for point := 1; point <= 7; point++ {
		files := faultfs.New(uint64(point))
		files.CutAt(point)
		if err := run(files); !errors.Is(err, faultfs.ErrPower) || !files.Lost() || files.Points() != point {
			t.Fatalf("point %d: %v", point, err)
		}
		files.Restart(true)
		if files.Lost() {
			t.Fatal("still without power")
		}
		if got, there := files.ReadFile("b"); point == 7 && there && string(got) != "ab" {
			t.Fatalf("%q", got)
		}
	}
}

// TestFailedSync loses what it was to sync, though the process still sees it and the next sync works.
func TestFailedSync(t *testing.T) {
	lost := 0
	for seed := range uint64(50) {
		files := faultfs.New(seed)
		f := opened(t, files, "a", create)
		write(t, f, 0, []byte("abc"))
		files.SetHook(func(op faultfs.Op) error {
			if op.Kind == faultfs.Sync {
				return syscall.EIO
			}
			return nil
		})
		if err := f.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		files.SetHook(nil)
		if err := errors.Join(f.Sync(), files.SyncDir(".")); err != nil {
			t.Fatal(err)
		}
		if got, _ := files.ReadFile("a"); string(got) != "abc" {
			t.Fatalf("%q", got)
		}
		files.Restart(true)
		if got, _ := files.ReadFile("a"); string(got) != "abc" {
			lost++
		}
	}
	if lost == 0 || lost == 50 {
		t.Errorf("%d of 50 lost", lost)
	}
}

// TestFull writes what has room, and anything once there is more.
func TestFull(t *testing.T) {
	files := faultfs.New(1)
	f := opened(t, files, "a", create)
	files.SetCapacity(4)
	if n, err := f.WriteAt([]byte("abcdef"), 0); n != 4 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(n, err)
	}
	if _, err := files.Open("b", create); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	write(t, f, 1, []byte("bcd"))
	if err := f.Truncate(1); err != nil {
		t.Fatal(err)
	}
	write(t, opened(t, files, "b", create), 0, []byte("abc"))
}

// TestTwoLayersAgree does the same to the disk in memory and to the machine's.
func TestTwoLayersAgree(t *testing.T) {
	for name, files := range map[string]vfs.FS{"memory": faultfs.New(1), "machine": vfs.OS()} {
		dir := t.TempDir() + "/x/y"
		if err := files.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Open(dir+"/a", os.O_RDONLY); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		f, err := files.Open(dir+"/a", create)
		if err != nil {
			t.Fatal(err)
		}
		write(t, f, 2, []byte("abc"))
		if err := errors.Join(f.Truncate(4), f.Sync(), files.SyncDir(dir), files.Rename(dir+"/a", dir+"/b")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 8)
		n, err := f.ReadAt(buf, 0)
		if string(buf[:n]) != "\x00\x00ab" || err == nil {
			t.Errorf("%s: %q, %v", name, buf[:n], err)
		}
		if size, err := f.Size(); size != 4 || err != nil {
			t.Errorf("%s: %d, %v", name, size, err)
		}
		if names, err := files.List(dir); err != nil || len(names) != 1 || names[0] != "b" {
			t.Errorf("%s: %q, %v", name, names, err)
		}
		if err := errors.Join(f.Close(), files.Remove(dir+"/b")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := files.Remove(dir + "/b"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
