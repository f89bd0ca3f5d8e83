package node

import (
	"github.com/foxmq/foxmq/internal/consensus/driver"
	"go.uber.org/zap"
)

// show publishes how the driver is doing, and logs what whoever runs the node should know.
func (l *loop) show() {
	s := l.driver.Status()
	l.node.picture.Store(&s)
	l.showWaiting()
	if s.Err != nil && !l.failed {
		l.failed = true
		l.node.cfg.Logger.Error("ordering has stopped for good", zap.Error(s.Err))
	}
	l.showLost(s.State == driver.Lost)
	l.callFetcher(s.State == driver.Lost)
	l.showForks(&s)
	quorum := l.node.Quorum()
	switch {
	case quorum && !l.quorum:
		l.node.cfg.Logger.Info("quorum reached", zap.Ints("missing_members", l.missing()))
	case !quorum && l.quorum:
		l.node.cfg.Logger.Warn("quorum lost", zap.Ints("missing_members", l.missing()))
	}
	l.quorum = quorum
}

// showWaiting notes when what was submitted began to wait. The applier takes that back.
func (l *loop) showWaiting() {
	if count, _ := l.node.pool.Load(); count == 0 {
		l.node.waiting.Store(0)
	} else if l.node.waiting.Load() == 0 {
		l.node.waiting.Store(l.node.cfg.Now())
	}
}

// showLost logs that the node is lost, and that it is no longer.
func (l *loop) showLost(lost bool) {
	switch {
	case lost && !l.lost:
		l.node.cfg.Logger.Warn("no peer hands out the events that this node missed; it looks for a checkpoint",
			zap.Ints("missing_members", l.missing()))
	case !lost && l.lost:
		l.node.cfg.Logger.Info("peers hand out again what this node missed")
	}
	l.lost = lost
}

// callFetcher has what this node lacks looked for on the disks of its peers: as long as it is lost, and after an install
// of each peer that is connected.
func (l *loop) callFetcher(lost bool) {
	if lost || l.joined && l.node.installed.Load() {
		select {
		case l.node.strays <- struct{}{}:
		default:
		}
	}
	l.joined = false
}

// showForks logs once of each member that it has forked.
func (l *loop) showForks(s *driver.Status) {
	for i, p := range s.Peers {
		if p.Forks > 0 && !l.forked[i] {
			l.forked[i] = true
			l.node.cfg.Logger.Warn("member has made two events where it may make one: its key is used twice, or it lies",
				zap.Int("member", i))
		}
	}
}

// missing returns the members that are not connected.
func (l *loop) missing() []int {
	members := []int{}
	for i, box := range l.node.peers {
		if i != l.node.cfg.Self && !box.connected {
			members = append(members, i)
		}
	}
	return members
}

// showDisk publishes whether the disk takes what is written, and logs when that changes.
func (l *loop) showDisk(err error) {
	switch {
	case err != nil && !l.stuck:
		l.node.cfg.Logger.Error("the disk does not take what must be written; this node takes no part until it does",
			zap.Error(err))
		reason := err.Error()
		l.node.disk.Store(&reason)
	case err == nil && l.stuck:
		l.node.cfg.Logger.Info("the disk takes what is written again")
		l.node.disk.Store(nil)
	}
}
