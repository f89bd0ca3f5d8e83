package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// nameUnsynced is a file that is there while the log may hold urgent records that only the operating system has. It names
// the boot of the machine under which they were appended: the same boot has them still, another one may have lost them.
const nameUnsynced = "UNSYNCED"

// unsure tells whether a loss of power may have taken urgent records that had been appended with Flush.
func (s *Store) unsure() (bool, error) {
	boot, err := readFile(s.cfg.FS, s.unsyncedPath())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", nameUnsynced, err)
	}
	return s.cfg.Boot == "" || !bytes.Equal(boot, []byte(s.cfg.Boot)), nil
}

func (s *Store) unsyncedPath() string { return filepath.Join(s.cfg.Dir, nameUnsynced) }

// markUnsynced is called before urgent records are appended, and does something until it has succeeded. One who is unsure
// calls it no sooner: until then it stays true what was said of an earlier run.
func (s *Store) markUnsynced() (err error) {
	if s.marked {
		return nil
	}
	if s.cfg.Durability == Flush {
		err = writeFile(s.cfg.FS, s.unsyncedPath(), []byte(s.cfg.Boot))
	} else {
		err = s.forgetUnsynced()
	}
	s.marked = err == nil
	return err
}

// unmarkUnsynced is called when the log has been synced and closed.
func (s *Store) unmarkUnsynced() error {
	if !s.marked {
		return nil
	}
	return s.forgetUnsynced()
}

func (s *Store) forgetUnsynced() error {
	if err := removeIfThere(s.cfg.FS, s.unsyncedPath()); err != nil {
		return err
	}
	return s.cfg.FS.SyncDir(s.cfg.Dir)
}
