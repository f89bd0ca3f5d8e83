package store

import "time"

// Stats is a picture of the store. What it counts, it counts since Open.
type Stats struct {
	Log LogStats

	StateBytes int64  // size of the state file
	Records    uint64 // in it
	DiskFree   int64  // bytes that may still be written to the disk; -1: not known

	Checkpoints        uint64
	CheckpointTime     time.Time     // when the last one began; zero: none yet
	CheckpointDuration time.Duration // and how long it took
	CheckpointBytes    int64         // and what was in it: records, base and meta

	Scrubs uint64
	Scrub  ScrubReport // of the last one that came to its end
}

// Stats returns a picture of the store. It may be called from any goroutine.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	stats := s.stats
	s.mu.Unlock()
	stats.Log = s.log.Stats()
	stats.StateBytes = s.state.size()
	stats.DiskFree = diskFree(s.cfg.Dir)
	return stats
}
