package node

import (
	"sync"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/consensus/driver"
)

// Bounds on the backlog in bytes of payload and eventOverhead for each event.
const (
	softBacklog   = 8 << 20  // from here on no own payload goes into events
	hardBacklog   = 64 << 20 // from here on nothing is taken from the peers' mailboxes
	eventOverhead = 512
)

// stage is a decided round on its way to the machine.
type stage struct {
	consensus.Round
	snapshot *driver.Snapshot // as of the round; nil but at every snapshotEvery-th
	segment  uint64           // of the log, which leads on from the snapshot; 0: none was begun
}

// stages joins what Ready lists of rounds and of snapshots. The last snapshot is the one that the segment, unless it is
// 0, leads on from.
func stages(r *driver.Ready, segment uint64) []stage {
	list := make([]stage, len(r.Ordered))
	snapshots := r.Snapshots
	for i := range r.Ordered {
		list[i].Round = r.Ordered[i]
		if len(snapshots) == 0 || snapshots[0].Round != list[i].Number {
			continue
		}
		snapshot := snapshots[0] // the slice is the driver's
		list[i].snapshot = &snapshot
		if snapshots = snapshots[1:]; len(snapshots) == 0 {
			list[i].segment = segment
		}
	}
	return list
}

// backlog holds the rounds that are decided and wait to be applied. The loop never blocks on it: it looks at how
// much there is and takes in less.
//
// Concurrency: put by the loop, taken by the applier; Bytes from anywhere.
type backlog struct {
	ready chan struct{} // capacity 1: there are rounds to take
	wake  func()        // called without mu held when Bytes has fallen below a bound

	mu     sync.Mutex
	stages []stage // guarded by mu
	bytes  int     // of the rounds put and not done; guarded by mu
}

func newBacklog(wake func()) *backlog {
	return &backlog{ready: make(chan struct{}, 1), wake: wake}
}

// put adds rounds to the end.
func (b *backlog) put(stages []stage) {
	if len(stages) == 0 {
		return
	}
	size := 0
	for i := range stages {
		for j := range stages[i].Events {
			size += weight(&stages[i].Events[j])
		}
	}
	b.mu.Lock()
	b.stages = append(b.stages, stages...)
	b.bytes += size
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take returns the rounds that wait.
func (b *backlog) take() []stage {
	b.mu.Lock()
	defer b.mu.Unlock()
	stages := b.stages
	b.stages = nil
	return stages
}

// done says that events of that weight have been applied.
func (b *backlog) done(weight int) {
	b.mu.Lock()
	before := b.bytes
	b.bytes -= weight
	after := b.bytes
	b.mu.Unlock()
	for _, bound := range [...]int{softBacklog, hardBacklog} {
		if before >= bound && after < bound {
			b.wake()
		}
	}
}

// Bytes returns the weight of what is decided and not applied yet.
func (b *backlog) Bytes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// weight is what an event counts in the backlog.
func weight(o *consensus.Ordered) int { return len(o.Event.Payload) + eventOverhead }
