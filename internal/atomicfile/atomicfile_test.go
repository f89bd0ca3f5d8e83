package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// content returns the files of a directory.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

func TestWriteReplacesAndSetsTheMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, data := range []string{"old", "new"} {
		if err := Write(File{path, []byte(data), 0o600}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := content(t, filepath.Dir(path)); len(got) != 1 || got["f"] != "new" {
		t.Errorf("the directory holds %q", got)
	}
}

func TestAnExistingFileStopsAllOfThem(t *testing.T) {
	dir := t.TempDir()
	files := []File{
		{filepath.Join(dir, "a"), []byte("new"), 0o644},
		{filepath.Join(dir, "b"), []byte("new"), 0o644},
	}
	if err := os.WriteFile(files[1].Path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteAll(files, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("WriteAll: %v", err)
	}
	if got := content(t, dir); len(got) != 1 || got["b"] != "old" {
		t.Errorf("the directory holds %q", got)
	}
	if err := WriteAll(files, true); err != nil {
		t.Errorf("WriteAll with replace: %v", err)
	}
	if got := content(t, dir); len(got) != 2 || got["a"] != "new" || got["b"] != "new" {
		t.Errorf("the directory holds %q", got)
	}
}

func TestALateFailureTakesEverythingBack(t *testing.T) {
	dir := t.TempDir()
	files := []File{
		{filepath.Join(dir, "is there"), []byte("new"), 0o644},
		{filepath.Join(dir, "is not"), []byte("new"), 0o644},
		{filepath.Join(dir, "directory"), []byte("new"), 0o644},
	}
	if err := os.WriteFile(files[0].Path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(files[2].Path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteAll(files, true); err == nil {
		t.Fatal("a directory was replaced by a file")
	}
	if got := content(t, dir); len(got) != 1 || got["is there"] != "old" {
		t.Errorf("the directory holds %q", got)
	}
	if info, err := os.Stat(files[0].Path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
