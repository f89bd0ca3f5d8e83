package faultfs

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
)

// file is an open file.
type file struct {
	fs       *FS
	name     string
	node     *inode
	life     int // of the process that opened it
	writable bool
	closed   bool // guarded by fs.mu
}

// begin goes before an operation, as that of FS does.
func (f *file) begin(kind Kind) (cut bool, err error) {
	cut, err = f.fs.begin(kind, f.name)
	if err != nil {
		return false, err
	}
	if f.closed || f.life != f.fs.life {
		err = pathError("use", f.name, fs.ErrClosed)
	} else if kind != Read && !f.writable {
		err = pathError("use", f.name, syscall.EBADF)
	}
	if err != nil {
		f.fs.mu.Unlock()
	}
	return cut, err
}

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	if _, err := f.begin(Read); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	if at >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, at int64) (int, error) {
	cut, err := f.begin(Write)
	if err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	n := len(p)
	if cut {
		n = f.fs.rng.IntN(n + 1)
		err = pathError("write", f.name, ErrPower)
	} else if room := f.room(at); room < int64(n) {
		n = int(room)
		err = pathError("write", f.name, syscall.ENOSPC)
	}
	if n > 0 {
		f.node.write(at, p[:n])
	}
	return n, err
}

// room returns how many bytes can be written at that offset.
func (f *file) room(at int64) int64 {
	if f.fs.capacity < 0 {
		return 1 << 62
	}
	return max(0, int64(len(f.node.data))-at+max(0, f.fs.capacity-f.fs.used()))
}

func (f *file) Truncate(size int64) error {
	cut, err := f.begin(Truncate)
	if err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	if !cut || f.fs.rng.IntN(2) == 0 {
		f.node.truncate(size)
	}
	if cut {
		return pathError("truncate", f.name, ErrPower)
	}
	return nil
}

func (f *file) Sync() error {
	cut, err := f.begin(Sync)
	if err != nil {
		f.fs.mu.Lock()
		defer f.fs.mu.Unlock()
		if f.life == f.fs.life && !f.fs.off && !errors.Is(err, ErrPower) {
			f.node.lose(f.fs.rng)
		}
		return err
	}
	defer f.fs.mu.Unlock()
	if cut {
		return pathError("sync", f.name, ErrPower) // what was on its way survives or not, as anything that was not synced
	}
	f.node.sync()
	return nil
}

func (f *file) Size() (int64, error) {
	if _, err := f.begin(Read); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	return int64(len(f.node.data)), nil
}

// Close implements io.Closer. It never fails but for a file that is closed already.
func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

// Flip syncs a file that exists and changes the bits of a byte that are set in mask, in memory and on the disk.
func (f *FS) Flip(name string, at int64, mask byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.names[filepath.Clean(name)]
	i.sync()
	i.data, i.disk = slices.Clone(i.data), slices.Clone(i.disk)
	i.data[at] ^= mask
	i.disk[at] ^= mask
}
