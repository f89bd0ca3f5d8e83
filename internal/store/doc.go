// Package store keeps on the disk what a node must not lose: the log of events, and the replicated state as of a
// checkpoint. Both are opaque to it: records of the log are bytes, records of the state are keys and values.
//
// A data directory holds
//
//	LOCK      locked by the process that has it open
//	VERSION   the number of the format
//	state.db  the records of the last checkpoint, with a description (Meta) and the segment from which the log leads on
//	log/      the segments, and the base of the checkpoint: what the log is read on top of
//	UNSYNCED  the boot of the machine whose loss of power would take what was appended last
//	fetch/    a checkpoint that is being fetched from a peer (Import)
//	INSTALL   it is whole and takes the place of the others, which the next Open sees to
//
// The state is written in two steps that never disagree: everything is appended to the log first, and now and then a
// Commit puts what has changed in the state into state.db, in one transaction with the number of the segment that
// follows it. So what was stored is always the records of the last checkpoint, its base, and the log from there on.
// docs/durability.md describes the formats, and what a crash at any point leaves.
//
// What was damaged on the disk is told by checksums as a *CorruptError; nothing damaged is ever handed out.
//
// # Concurrency
//
// Append and Rotate belong to one goroutine, Commit to another; they run beside each other. View and Stats may be
// called from any goroutine, and a View or an Import is used by one at a time. State, Replay and Old are for the start.
// Run starts two goroutines, one that puts the log on the disk and one that scrubs, and returns after both.
package store
