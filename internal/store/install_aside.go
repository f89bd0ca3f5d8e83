package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// asideMark stands between the name of a data directory and what tells those that were set aside from one another.
const asideMark = ".aside-"

// maxAside is how many directories are kept aside.
const maxAside = 2

// SetAside renames a data directory, for somebody to look at, and returns its new name: dir, ".aside-" and the suffix.
// Suffixes are to be in ascending order as time goes on; of the directories set aside only the last two are kept. The
// directory must not be open.
func SetAside(dir, suffix string) (string, error) {
	aside := dir + asideMark + suffix
	if exists(aside) {
		return "", fmt.Errorf("set %s aside: %s: %w", dir, aside, os.ErrExist)
	}
	if err := os.Rename(dir, aside); err != nil {
		return "", fmt.Errorf("set %s aside: %w", dir, err)
	}
	return aside, errors.Join(syncDirs(filepath.Dir(dir)), forgetAside(dir))
}

// forgetAside removes the oldest directories, down to as many as are kept.
func forgetAside(dir string) error {
	entries, err := os.ReadDir(filepath.Dir(dir)) // in the order of their names
	if err != nil {
		return err
	}
	var all []string
	prefix := filepath.Base(dir) + asideMark
	for _, e := range entries {
		if len(e.Name()) > len(prefix) && e.Name()[:len(prefix)] == prefix {
			all = append(all, filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
	for len(all) > maxAside {
		err = errors.Join(err, os.RemoveAll(all[0]))
		all = all[1:]
	}
	return err
}
