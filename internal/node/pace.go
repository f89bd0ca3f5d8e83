package node

import (
	"fmt"
	"runtime"
	"time"

	"github.com/foxmq/foxmq/internal/event"
)

// extraShare is the part of this machine's time, one in so many, that may go into verifying the events that move no
// round. Where nodes share a machine, as they do to try things out, each of them takes its part, and more of such
// events would only delay those that matter.
const extraShare = 50

// pace measures how long this machine takes to verify an event and tells the driver how far apart the events must be
// that move no round, if all members make them alike.
func (l *loop) pace() error {
	e := &event.Event{Creator: l.node.cfg.Self, Seq: 1, BirthRound: 1}
	if err := e.Seal(l.node.cfg.Domain); err != nil {
		return fmt.Errorf("measure the pace: %w", err)
	}
	if err := e.Sign(l.node.cfg.Key); err != nil {
		return fmt.Errorf("measure the pace: %w", err)
	}
	fastest := time.Hour
	for range 8 {
		start := time.Now()
		e.Verify(&l.node.cfg.Key.PublicKey)
		fastest = min(fastest, time.Since(start))
	}
	others := len(l.node.cfg.Keys) - 1
	l.driver.SetPace(extraShare * int64(fastest) * int64(others) / int64(runtime.GOMAXPROCS(0)))
	return nil
}
