package store

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/foxmq/foxmq/internal/atomicfile"
)

// writeMarker says that the checkpoint in fetch is whole. It is the moment of an install: from here on every Open goes
// on with it.
func writeMarker(dir string) error {
	return atomicfile.Write(atomicfile.File{Path: filepath.Join(dir, nameInstall), Data: []byte(formatLine), Mode: 0o600})
}

// finishInstall puts the fetched checkpoint in place if there is a marker. Whatever part of that is already done has
// left fetch, so that it may be cut short at any point and is only done again.
func finishInstall(dir string, stepped func(string)) error {
	marker := filepath.Join(dir, nameInstall)
	if !exists(marker) {
		return nil
	}
	if err := syncDirs(dir); err != nil { // the marker is to stay before anything else goes
		return err
	}
	fetch := filepath.Join(dir, nameFetch)
	for _, name := range []string{nameLog, nameState} {
		if from, to := filepath.Join(fetch, name), filepath.Join(dir, name); exists(from) {
			if err := replace(from, to, stepped); err != nil {
				return err
			}
			stepped(name + " replaced")
		}
	}
	if err := syncDirs(dir); err != nil {
		return err
	}
	if err := os.Remove(marker); err != nil {
		return err
	}
	stepped("marker removed")
	return errors.Join(os.RemoveAll(fetch), syncDirs(dir))
}

// replace is a rename for directories too, which cannot replace one another.
func replace(from, to string, stepped func(string)) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	stepped(filepath.Base(to) + " removed")
	return os.Rename(from, to)
}
