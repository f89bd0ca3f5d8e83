package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/foxmq/foxmq/internal/atomicfile"
)

// What a data directory holds.
const (
	nameLock    = "LOCK"     // locked by the process that uses the directory
	nameVersion = "VERSION"  // formatLine
	nameState   = "state.db" // the records of the last checkpoint
	nameLog     = "log"      // the segments, and the base of each checkpoint that may still be wanted
	nameFetch   = "fetch"    // a checkpoint that is being fetched: a state.db, and at the end a log
	nameInstall = "INSTALL"  // the one in fetch is whole and takes the place of the other
)

// formatLine is all of the file VERSION. The number is raised by whoever changes a format on the disk.
const (
	formatName    = "foxmq data "
	formatVersion = "1"
	formatLine    = formatName + formatVersion + "\n"
)

// ErrInUse says that another process has the data directory open.
var ErrInUse = errors.New("the data directory is in use by another process")

// takeDir makes the directory and locks it. The lock is held until the file is closed.
func takeDir(dir string) (lock *os.File, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err = os.OpenFile(filepath.Join(dir, nameLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), lock.Close())
	}
	return lock, nil
}

// checkVersion refuses a directory of another format, and one without a format that is not empty.
func checkVersion(dir string) error {
	path := filepath.Join(dir, nameVersion)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		for _, name := range []string{nameState, nameLog} {
			if exists(filepath.Join(dir, name)) {
				return fmt.Errorf("%s holds %s but no file %s, so its format is not known", dir, name, nameVersion)
			}
		}
		return errNoVersion
	}
	if err != nil {
		return err
	}
	if string(data) == formatLine {
		return nil
	}
	version, ours := strings.CutPrefix(strings.TrimSpace(string(data)), formatName)
	if !ours {
		return fmt.Errorf("%s is not of foxmq: %q", path, brief(data))
	}
	return fmt.Errorf("%s is in data format %s, and this foxmq reads format %s only; use the foxmq that wrote it, or start with an empty directory and fetch from the peers",
		dir, brief([]byte(version)), formatVersion)
}

// errNoVersion says that a directory is new.
var errNoVersion = errors.New("the directory is empty")

func writeVersion(dir string) error {
	return atomicfile.Write(atomicfile.File{Path: filepath.Join(dir, nameVersion), Data: []byte(formatLine), Mode: 0o600})
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// syncDirs makes what was created, renamed or removed in directories last.
func syncDirs(dirs ...string) error {
	for _, dir := range dirs {
		if err := OS().SyncDir(dir); err != nil {
			return fmt.Errorf("sync %s: %w", dir, err)
		}
	}
	return nil
}
