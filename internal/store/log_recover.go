package store

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// FoundLog is what OpenLog found. Its slices are the caller's.
type FoundLog struct {
	Base     []byte   // of the checkpoint; nil: there is none yet
	CutBytes int64    // were cut off the log's end, a record that a crash had left unfinished
	Dropped  []uint64 // segments from before the checkpoint that were no longer whole
	Corrupt  error    // the log was cut in its middle, at a record that is not well; what stood behind it is kept aside
}

// OpenLog opens the log, or makes one. Checkpoint is the number of the segment with which the log goes on from the last
// checkpoint, 0 if there is none. Its base is looked at first: without it, which is a *CorruptError, the log is of no
// use, and is left as it is. A log that is damaged in its middle is a *CorruptError too, unless cfg.Replicated. All that is there after OpenLog survives a loss of power.
func OpenLog(cfg LogConfig, checkpoint uint64) (*Log, FoundLog, error) {
	var found FoundLog
	var err error
	if checkpoint > 0 {
		if found.Base, err = recoverBase(cfg, checkpoint); err != nil {
			return nil, found, err
		}
	}
	log, tail, err := openLog(cfg, checkpoint)
	if corrupt := (*CorruptError)(nil); errors.As(err, &corrupt) && cfg.Replicated {
		found.Corrupt = err
		if err = setAside(cfg, checkpoint); err == nil {
			log, tail, err = openLog(cfg, checkpoint)
		}
	}
	if err != nil {
		return nil, found, err
	}
	log.based = checkpoint
	found.CutBytes, found.Dropped = tail.CutBytes, tail.Dropped
	return log, found, nil
}

const whatIsMissing = "it is missing"

// recoverBase returns the base of the checkpoint, which is never nil.
func recoverBase(cfg LogConfig, segment uint64) ([]byte, error) {
	path := filepath.Join(cfg.Dir, baseName(segment))
	base, err := readBase(cfg.FS, path, segment)
	if errors.Is(err, fs.ErrNotExist) {
		err = &CorruptError{Path: path, What: whatIsMissing}
	}
	return base, err
}
