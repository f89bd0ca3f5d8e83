//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package store

import (
	"errors"
	"os"
	"syscall"
)

// mapSize is the address space that the state file is mapped into. As long as it fits, bbolt need not map it anew,
// for which it would wait until no View is open.
const mapSize = 1 << (29 + 7*(^uint(0)>>63)) // 512 MiB, or 64 GiB where there is room

// lockFile takes the lock on an open file, which ends with it and with the process.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}

// unlockFile ends any lock on an open file.
func unlockFile(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
