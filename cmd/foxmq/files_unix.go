//go:build unix

package main

import (
	"math"
	"syscall"
)

// fileLimit returns how many files the process may have open at a time; not bounded: as many as it wants.
func fileLimit() (files int, bounded bool) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > math.MaxInt32 {
		return 0, false
	}
	return int(limit.Cur), true
}
