//go:build darwin || freebsd || linux

package store

import "syscall"

// diskFree returns how many bytes may still be written to the file system of dir, -1 if that cannot be told.
func diskFree(dir string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize) //nolint:unconvert // the type is not the same everywhere
}
