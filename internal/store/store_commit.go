package store

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
)

// Checkpoint is a state to be kept, told by how it differs from the last.
type Checkpoint struct {
	Segment uint64 // of the log, from which Base leads on; as Rotate returned it
	Base    []byte // what the log is read on top of; not nil
	Meta    []byte // whatever else belongs to it
	// Changes are the records that differ from those of the last checkpoint; a nil value deletes. No key is empty.
	Changes map[string][]byte
	// Full says that Changes are all records: they take the place of those on the disk, which may be damaged.
	Full bool
}

// Commit makes a checkpoint the last one. It is on the disk when Commit returns, and so is the log before its segment;
// old segments are then given up. Commit may run beside everything else, but not beside itself. After an error the
// last checkpoint is the one before, or in rare cases this one already; the next call must have the changes of both.
func (s *Store) Commit(c Checkpoint) error {
	if s.installed.Load() {
		return ErrInstalled
	}
	start := time.Now()
	changes, size := storedChanges(c.Changes)
	if err := s.commit(c, changes); err != nil {
		return fmt.Errorf("commit checkpoint: %w", err)
	}
	s.mu.Lock()
	s.stats.CheckpointTime = start
	s.stats.CheckpointDuration = time.Since(start)
	s.stats.CheckpointBytes = int64(size + len(c.Base) + len(c.Meta))
	s.stats.Checkpoints++
	s.mu.Unlock()
	return nil
}

func (s *Store) commit(c Checkpoint, changes []change) error {
	if err := s.log.WriteBase(c.Segment, c.Base); err != nil {
		return err
	}
	s.stepped("base written")
	if err := s.log.SyncThrough(c.Segment); err != nil {
		return err
	}
	s.stepped("log synced")
	records, err := s.state.commit(changes, header{Segment: c.Segment, Meta: c.Meta}, c.Full)
	if err != nil {
		return err
	}
	if c.Full && s.damaged.Swap(false) {
		s.cfg.Logger.Info("the state on the disk was damaged and has been written anew", zap.Uint64("records", records))
	}
	s.segment.Store(c.Segment)
	s.mu.Lock()
	s.stats.Records = records
	s.mu.Unlock()
	s.stepped("state committed")
	s.log.limitTails(s.tailBytes())
	if err := s.log.Trim(c.Segment); err != nil {
		// The checkpoint is good. What was to go is tried again with the next.
		s.cfg.Logger.Warn("old segments of the log cannot be removed", zap.Error(err))
	}
	s.stepped("log trimmed")
	return nil
}

// tailBytes returns how long a Tail may be for the moment, in bytes.
func (s *Store) tailBytes() int64 {
	if free := diskFree(s.cfg.Dir); free >= 0 {
		return min(s.cfg.TailBytes, free/2)
	}
	return s.cfg.TailBytes
}

// storedChanges brings changes into the form and the order of the tree, and returns their size in bytes.
func storedChanges(records map[string][]byte) (changes []change, size int) {
	for key, value := range records {
		size += len(key) + storedSize([]byte(key), value)
	}
	arena := make([]byte, 0, size) // bbolt keeps the values until the transaction ends
	changes = make([]change, 0, len(records))
	for key, value := range records {
		c := change{key: storedKey([]byte(key))}
		if value != nil {
			at := len(arena)
			arena = appendStored(arena, []byte(key), value)
			c.value = arena[at:]
		}
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b change) int { return bytes.Compare(a.key, b.key) })
	return changes, size
}
