package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// asideMark stands before what tells the data that were set aside from one another.
const asideMark = "aside-"

// maxAside is how often data are kept aside.
const maxAside = 2

// SetAside puts what is in a data directory aside, for somebody to look at, and returns where: the directory is renamed
// to dir, ".aside-" and the suffix. Where that cannot be done, since it is a mount point or its parent may not be
// written, its contents go to "aside-" and the suffix within it, which no store looks at. Suffixes are to be in
// ascending order as time goes on; only the last two are kept. The directory must not be open.
func SetAside(dir, suffix string) (string, error) {
	beside := dir + "." + asideMark
	if exists(beside + suffix) {
		return "", fmt.Errorf("set %s aside: %s: %w", dir, beside+suffix, os.ErrExist)
	}
	if err := os.Rename(dir, beside+suffix); err != nil {
		within := filepath.Join(dir, asideMark)
		if err2 := moveContents(dir, within+suffix); err2 != nil {
			return "", fmt.Errorf("set %s aside: %w", dir, errors.Join(err, err2))
		}
		return within + suffix, errors.Join(syncDirs(within+suffix, dir), forgetAside(within))
	}
	return beside + suffix, errors.Join(syncDirs(filepath.Dir(dir)), forgetAside(beside))
}

// moveContents moves what a store has in a directory to a new one within it. What else may be there stays: a file system
// has things of its own where it is mounted, and there is what was set aside before. After a crash in the middle the rest
// is a directory that Open takes for damaged or for new: so the state goes first, and the version after all that it is of.
func moveContents(dir, aside string) error {
	if err := os.Mkdir(aside, 0o700); err != nil {
		return err
	}
	for _, name := range []string{nameState, nameLog, nameUnsynced, nameFetch, nameInstall, nameVersion} {
		err := os.Rename(filepath.Join(dir, name), filepath.Join(aside, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// forgetAside removes the oldest of what has that path and a suffix, down to as many as are kept.
func forgetAside(path string) error {
	parent, prefix := filepath.Split(path)
	entries, err := os.ReadDir(parent) // in the order of their names
	if err != nil {
		return err
	}
	var all []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			all = append(all, filepath.Join(parent, e.Name()))
		}
	}
	for len(all) > maxAside {
		err = errors.Join(err, os.RemoveAll(all[0]))
		all = all[1:]
	}
	return err
}
