// Package vfs is the file layer: everything that the event log does to a disk goes through it, so that tests and the
// simulator can give it a disk that fills up, breaks or loses power. [OS] is the real one, package faultfs the other.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// FS is a file system. Names are paths as package path/filepath writes them. Errors wrap those of package io/fs and
// the system's error numbers.
//
// Concurrency: all methods may be called from any goroutine.
type FS interface {
	// Open opens a file. The flags are those of os.OpenFile without O_APPEND; a file that it creates may be lost when
	// the power fails before its directory is synced.
	Open(name string, flag int) (File, error)
	// Rename gives a file another name, and replaces the file that has it.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// List returns the names of the files in a directory, without those of directories, in ascending order.
	List(dir string) ([]string, error)
	// MkdirAll creates a directory and those above it that are missing.
	MkdirAll(dir string) error
	// SyncDir makes the names that a directory holds survive a loss of power.
	SyncDir(dir string) error
}

// File is an open file.
//
// Concurrency: Sync may run beside all other methods but Close, and ReadAt beside WriteAt.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size returns how many bytes the file has.
	Size() (int64, error)
	// Truncate cuts the file to that many bytes.
	Truncate(size int64) error
	// Sync makes what was written survive a loss of power. After an error nobody knows what is on the disk, and a
	// second call that succeeds says nothing of what was written before the first.
	Sync() error
}

// OS returns the file system of the machine.
func OS() FS { return system{} }

type system struct{}

// Files are for their owner only: they hold what clients said.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

func (system) Open(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, fileMode)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (system) Rename(from, to string) error { return os.Rename(from, to) }

func (system) Remove(name string) error { return os.Remove(name) }

func (system) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, fs.DirEntry.IsDir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (system) MkdirAll(dir string) error { return os.MkdirAll(dir, dirMode) }

func (system) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if !directoriesSync {
		err = nil
	}
	return errors.Join(err, d.Close())
}

type file struct{ *os.File }

func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
