//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package store

import "os"

// mapSize is left to bbolt: on Windows the file would at once be as large.
const mapSize = 0

// lockFile leaves it to bbolt's own lock on the state file to keep a second process out.
func lockFile(*os.File) error { return nil }

// unlockFile leaves it to the closing of the file.
func unlockFile(*os.File) {}
