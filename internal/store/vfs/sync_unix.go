//go:build !windows

package vfs

// directoriesSync tells whether this system can sync a directory, and therefore must.
const directoriesSync = true
