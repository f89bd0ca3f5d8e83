package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Report is what Verify found. A directory without a problem has no Corrupt, no StateError and no Problem in Log.
type Report struct {
	Pending    bool         // an Install was cut short, which the next Open finishes; what it installs was verified
	Segment    uint64       // from which the log leads on; 0: there is no checkpoint yet
	Records    uint64       // of the state that were read
	StateBytes int64        // of the state that were read
	Corrupt    [][]byte     // keys of records whose checksum is wrong, at most 1,000
	StateError error        // other damage of the state, a *CorruptError; nil: none
	Log        []LogFinding // one for each file of the log
}

// Verify reads a data directory that no process has open, and changes nothing in it. An error says why it could not be
// read, such as ErrInUse, and not that what was read is damaged.
func Verify(dir string) (Report, error) {
	r, err := verify(dir)
	if err != nil {
		return r, fmt.Errorf("verify %s: %w", dir, err)
	}
	return r, nil
}

func verify(dir string) (r Report, err error) {
	lock, err := os.Open(filepath.Join(dir, nameLock))
	if err == nil {
		defer lock.Close()
		err = lockFile(lock)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a copy need not have it
		return r, err
	}
	if err := checkVersion(dir); err != nil {
		return r, err
	}
	r.Pending = exists(filepath.Join(dir, nameInstall))
	if err := r.state(r.part(dir, nameState)); err != nil {
		return r, err
	}
	path := r.part(dir, nameLog)
	if base := filepath.Join(path, baseName(r.Segment)); r.Segment > 0 && !exists(base) {
		r.StateError = errors.Join(r.StateError, &CorruptError{Path: base, What: whatIsMissing})
	}
	return r, VerifyLog(OS(), path, func(f LogFinding) { r.Log = append(r.Log, f) })
}

// part returns the path of the state or the log, which is still in fetch if an Install has not come to it.
func (r *Report) part(dir, name string) string {
	if fetched := filepath.Join(dir, nameFetch, name); r.Pending && exists(fetched) {
		return fetched
	}
	return filepath.Join(dir, name)
}

// state reads the state file as the scrub does. There the number of records may change meanwhile, here it may not.
func (r *Report) state(path string) error {
	found := &scrub{ctx: context.Background()}
	s, err := openState(path, true)
	if err != nil {
		err = found.damage(err)
		r.StateError = found.report.Err
		return err
	}
	tx, h, err := s.begin()
	if err == nil {
		_ = tx.Rollback() // of a read transaction: lets go of it, and cannot fail
		err = found.state(s)
	}
	if err == nil && found.report.Err == nil && found.report.Records != h.Records {
		err = s.corrupt(fmt.Sprintf("%d records where the header says %d", found.report.Records, h.Records))
	}
	if err != nil {
		err = found.damage(err)
	}
	r.Segment, r.Records, r.StateBytes = h.Segment, found.report.Records, found.report.Bytes
	r.Corrupt, r.StateError = found.report.Corrupt, found.report.Err
	return errors.Join(err, s.close())
}
