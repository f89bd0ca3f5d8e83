package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/foxmq/foxmq/internal/store/vfs"
)

// FS is the file layer: everything the log does to a disk goes through it, so that tests can inject faults.
type FS = vfs.FS

// File is a file of the file layer.
type File = vfs.File

// OS returns the file system of the machine.
func OS() FS { return vfs.OS() }

// tempSuffix marks a file that is being written; whoever opens the log removes those that a crash left.
const tempSuffix = ".tmp"

// writeFile puts a file made of the parts in place so that a crash leaves the old content or the new. It is on the
// disk when writeFile returns.
func writeFile(files FS, name string, parts ...[]byte) error {
	temp := name + tempSuffix
	err := writeParts(files, temp, parts)
	if err == nil {
		err = files.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), removeIfThere(files, temp))
	}
	if err := files.SyncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// writeParts creates a file, or replaces its content, and syncs it.
func writeParts(files FS, name string, parts [][]byte) error {
	f, err := files.Open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	at := int64(0)
	for _, p := range parts {
		n, writeErr := f.WriteAt(p, at)
		at += int64(n)
		err = errors.Join(err, writeErr)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// removeIfThere removes a file that need not exist.
func removeIfThere(files FS, name string) error {
	if err := files.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// copyFile puts a copy of a file in place.
func copyFile(files FS, from, to string) error {
	all, err := readFile(files, from)
	if err != nil {
		return err
	}
	return writeFile(files, to, all)
}
