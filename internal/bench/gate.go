package bench

import "sync/atomic"

// gate lets a publisher be ahead of its subscribers by a window of messages, not further.
type gate struct {
	window  uint64
	copies  int32          // subscribers that get each message
	arrived []atomic.Int32 // by sequence number modulo window: at how many; nil if at one only
	done    atomic.Uint64  // messages that all subscribers have got
	full    atomic.Bool    // the publisher waits
	room    chan struct{}  // capacity 1: wakes it
}

func newGate(window, copies int) *gate {
	g := &gate{window: uint64(window), copies: int32(copies), room: make(chan struct{}, 1)}
	if copies > 1 {
		g.arrived = make([]atomic.Int32, window)
	}
	return g
}

// enter waits until message number seq, counted from 0, may be published. It reports false if stop was closed. Only
// the publisher calls it.
func (g *gate) enter(seq uint64, stop <-chan struct{}) bool {
	for seq-g.done.Load() >= g.window {
		g.full.Store(true)
		if seq-g.done.Load() < g.window {
			break
		}
		select {
		case <-g.room:
		case <-stop:
			return false
		}
	}
	g.full.Store(false)
	select {
	case <-stop:
		return false
	default:
		return true
	}
}

// leave notes that message number seq has come to one subscriber. A publisher that waits is woken when half of its
// window is free, so that it does not run for one message at a time.
func (g *gate) leave(seq uint64) {
	if g.arrived != nil {
		slot := &g.arrived[seq%g.window]
		if slot.Add(1) < g.copies {
			return
		}
		slot.Store(0)
	}
	done := g.done.Add(1)
	if g.full.Load() && (done%max(1, g.window/2) == 0) {
		select {
		case g.room <- struct{}{}:
		default:
		}
	}
}
