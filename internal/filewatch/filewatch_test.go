package filewatch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLook(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	f := New(path)
	when := time.Unix(1, 0)
	look := func(after string, changed bool, want error) {
		t.Helper()
		if got, err := f.Look(); got != changed || !errors.Is(err, want) {
			t.Errorf("%s: changed %v, %v", after, got, err)
		}
		if got, err := f.Look(); got || !errors.Is(err, want) {
			t.Errorf("%s, looked at again: changed %v, %v", after, got, err)
		}
	}
	settle := func(path string) {
		t.Helper()
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	look("never there", false, fs.ErrNotExist)
	write(t, path, "a")
	settle(path)
	look("made", true, nil)
	write(t, path, "aa")
	settle(path)
	look("longer", true, nil)
	when = time.Unix(2, 0)
	settle(path)
	look("later", true, nil)
	write(t, other, "bb")
	settle(other)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	look("another file", true, nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look("gone", true, fs.ErrNotExist)
}

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatcher()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		var looks []bool
		w.Reload()
		w.Reload()
		go func() {
			defer close(done)
			w.Run(ctx, func(force bool) { looks = append(looks, force) })
		}()
		time.Sleep(2*Every + Every/2)
		w.Reload()
		synctest.Wait()
		cancel()
		<-done
		if want := []bool{true, false, false, true}; !slices.Equal(looks, want) {
			t.Errorf("looked with force %v, want %v", looks, want)
		}
	})
}
