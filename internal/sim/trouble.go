package sim

import (
	"errors"
	"syscall"

	"github.com/foxmq/foxmq/internal/sim/picture"
	"github.com/foxmq/foxmq/internal/store"
	"github.com/foxmq/foxmq/internal/store/faultfs"
)

// What goes wrong with a disk, and what a node makes of that.

const (
	// flushGap is after how many ns what was written is synced, unless it is at once.
	flushGap = 100e6
	// retryGap is after how many ns a write that failed is tried again.
	retryGap = 250e6
	// failing is the probability that an operation fails on a disk in trouble; besides, it is full.
	failing = 0.1
)

// newDisk returns an empty one.
func (h *host) newDisk() disk {
	h.disks++
	return newDisk(&h.w.sc, h.w.sc.Seed<<16+uint64(h.index)<<8+h.disks)
}

// openDisk lets a process read what its disk holds, which may break promises or end the process.
func (h *host) openDisk() (f found, ok bool) {
	h.watchDisk()
	f, err := h.disk.open()
	corrupt := (*store.CorruptError)(nil)
	switch {
	case h.cut():
		return f, false
	case err == nil:
		return f, true
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENOSPC):
		h.fall()
		return f, false
	case errors.As(err, &corrupt) && h.w.sc.Fate == Rotten:
		h.w.say("%s cannot use what its disk holds: %v", picture.Name(h.index), err)
		h.disk = h.newDisk()
		return h.openDisk()
	}
	h.w.check.fail(LogHolds, "node %d: %v", h.index, err)
	return f, false
}

// watchDisk makes each change of the files a moment at which the process may die, in the middle of that change, or the
// change fail.
func (h *host) watchDisk() {
	files := h.disk.files
	files.SetHook(func(op faultfs.Op) error {
		switch {
		case op.Kind == faultfs.Open || op.Kind == faultfs.Read:
		case h.disk.full && h.w.chance(failing):
			return syscall.EIO
		case h.dies():
			files.CutAt(files.Points() + 1)
		}
		return nil
	})
	if h.disk.full {
		files.SetCapacity(files.Used())
	}
}

// cut tells whether the process died at the last thing that it did to its disk.
func (h *host) cut() bool {
	if !h.disk.files.Lost() {
		return false
	}
	h.fall()
	return true
}

// flushLater syncs what was written after a while.
func (h *host) flushLater() {
	if h.w.sc.Sync || h.flushing {
		return
	}
	h.flushing = true
	life := h.life
	h.w.after(flushGap, func() {
		h.whenAwake(func() {
			if h.life != life {
				return
			}
			h.flushing = false
			if err := h.disk.flush(); !h.cut() && err != nil {
				h.flushLater()
			}
		})
	})
}

// retryLater tries again to write what could not be written. What the node was told meanwhile it has not heard.
func (h *host) retryLater() {
	life := h.life
	h.w.after(retryGap, func() {
		h.whenAwake(func() {
			if h.life != life {
				return
			}
			h.stuck = false
			if h.settle(); h.up() {
				h.reconnect()
			}
		})
	})
}

// reconnect makes all links anew.
func (h *host) reconnect() {
	for p := range h.w.members {
		if p != h.index {
			h.connect(p, false)
			h.connect(p, true)
		}
	}
}
