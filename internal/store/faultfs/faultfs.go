// Package faultfs is a file system in memory that loses power, fills up and fails as tests and the simulator want it.
//
// What a process sees and what is on the disk are two things: written bytes get there when the file is synced, names
// when their directory is. When the power goes, each file keeps of what was not synced nothing, all, all up to some
// torn write, or any of its sectors, and each directory any of its changed names. A sync that fails loses what it was
// to sync in the same way, and a later one that works does not bring it back, as with Linux. Directories themselves are
// never lost. All of it follows from a seed.
//
// # Concurrency
//
// All methods may be called from any goroutine; the hook is called without a lock held and may sleep. A run is
// reproducible if the calls come in one order.
package faultfs

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/foxmq/foxmq/internal/store/vfs"
)

// ErrPower is wrapped by every error from when the power goes to Restart.
var ErrPower = errors.New("the power is gone")

// Kind is what is done to a file or a directory.
type Kind int

// What there is.
const (
	Open Kind = iota // without creating the file
	Create
	Read
	Write
	Truncate
	Sync
	Rename
	Remove
	SyncDir
)

// Changes tells whether a read-only file system refuses it.
func (k Kind) Changes() bool { return k != Open && k != Read && k != Sync && k != SyncDir }

// Op is one operation.
type Op struct {
	Kind Kind
	Name string // of the file or directory; of a Rename the old one
}

// FS is the file system. It implements vfs.FS.
type FS struct {
	mu       sync.Mutex
	rng      *rand.Rand        // this and all below guarded by mu
	hook     func(Op) error    // nil: nothing fails
	dirs     map[string]bool   // those that exist
	names    map[string]*inode // as a process sees them
	disk     map[string]*inode // as they would be found if all changes of names were lost
	moves    []move            // changes of names since their directory was synced
	points   int               // operations so far between which the power may go
	cutAt    int               // at which of them it goes, 0: none
	off      bool              // it is gone
	life     int               // counts the restarts: files that were opened before one are closed
	capacity int64             // bytes of all files, <0: no bound
}

var _ vfs.FS = (*FS)(nil)

// New returns an empty file system.
func New(seed uint64) *FS {
	return &FS{
		rng: rand.New(rand.NewPCG(seed, 0)), capacity: -1,
		dirs: map[string]bool{".": true, "/": true}, names: map[string]*inode{}, disk: map[string]*inode{},
	}
}

// SetHook sets a function that is called before each operation, which fails with the error that it returns. ErrPower says
// that the power is gone: a sync that fails so loses nothing before Restart.
func (f *FS) SetHook(hook func(Op) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// SetCapacity bounds the bytes of all files together; a write beyond fails with ENOSPC behind the bytes that have room.
// A negative number is no bound.
func (f *FS) SetCapacity(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = bytes
}

// Used returns the bytes of all files.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used()
}

func (f *FS) used() int64 {
	n := int64(0)
	for _, i := range f.names {
		n += int64(len(i.data))
	}
	return n
}

// Points returns how many operations so far have changed or synced anything.
func (f *FS) Points() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.points
}

// CutAt lets the power go in the middle of that operation, counted as Points counts them; the first is 1.
func (f *FS) CutAt(point int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutAt = point
}

// Lost tells whether the power is gone.
func (f *FS) Lost() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.off
}

// Restart ends the process, which closes all files, and takes all faults away. If power was lost, what was not synced
// may be lost.
func (f *FS) Restart(power bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reset()
	if !power {
		return
	}
	for _, i := range f.inodes() {
		i.lose(f.rng)
		i.restart()
	}
	f.loseNames()
	f.names = maps.Clone(f.disk)
}

// RestartSynced is Restart after a loss of power that took everything that was not synced.
func (f *FS) RestartSynced() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reset()
	for _, i := range f.inodes() {
		i.dirty = nil
		i.restart()
	}
	f.moves = nil
	f.names = maps.Clone(f.disk)
}

// reset ends the process and takes all faults away.
func (f *FS) reset() {
	f.life++
	f.off, f.cutAt, f.hook, f.capacity = false, 0, nil, -1
}

// Clone returns a copy as a backup of the directories makes it, on a disk without faults.
func (f *FS) Clone(seed uint64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New(seed)
	c.dirs = maps.Clone(f.dirs)
	for name, i := range f.names {
		c.names[name] = &inode{data: slices.Clone(i.data), disk: slices.Clone(i.data)}
	}
	c.disk = maps.Clone(c.names)
	return c
}

// ReadFile returns what a file holds, false if there is none.
func (f *FS) ReadFile(name string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.names[filepath.Clean(name)]
	if i == nil {
		return nil, false
	}
	return slices.Clone(i.data), true
}

// WriteFile puts a file on the disk, past all faults.
func (f *FS) WriteFile(name string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	f.mkdir(filepath.Dir(name))
	i := &inode{data: slices.Clone(data), disk: slices.Clone(data)}
	f.names[name], f.disk[name] = i, i
	f.moves = slices.DeleteFunc(f.moves, func(m move) bool { return m.add == name || m.remove == name })
}

// begin goes before an operation: it calls the hook and sees whether the power goes, of which cut tells: then the
// operation may still be done in part. Unless the error is not nil it returns with the lock held.
func (f *FS) begin(kind Kind, name string) (cut bool, err error) {
	f.mu.Lock()
	hook := f.hook
	f.mu.Unlock()
	if hook != nil {
		if err := hook(Op{kind, name}); err != nil {
			return false, &fs.PathError{Op: "use", Path: name, Err: err}
		}
	}
	f.mu.Lock()
	if f.off {
		f.mu.Unlock()
		return false, &fs.PathError{Op: "use", Path: name, Err: ErrPower}
	}
	if kind != Open && kind != Read {
		f.points++
		f.off = f.points == f.cutAt
	}
	return f.off, nil
}

// Open implements vfs.FS.
func (f *FS) Open(name string, flag int) (vfs.File, error) {
	name = filepath.Clean(name)
	kind := Open
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		kind = Create
	}
	cut, err := f.begin(kind, name)
	if err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	i := f.names[name]
	switch {
	case cut && f.rng.IntN(2) == 0:
		return nil, pathError("open", name, ErrPower)
	case i == nil && (flag&os.O_CREATE == 0 || !f.dirs[filepath.Dir(name)]):
		return nil, pathError("open", name, fs.ErrNotExist)
	case i == nil && f.capacity >= 0 && f.used() >= f.capacity:
		return nil, pathError("open", name, syscall.ENOSPC)
	case i == nil:
		i = &inode{}
		f.names[name] = i
		f.moves = append(f.moves, move{add: name, node: i})
	case flag&os.O_TRUNC != 0 && len(i.data) > 0:
		i.truncate(0)
	}
	if cut {
		return nil, pathError("open", name, ErrPower)
	}
	return &file{fs: f, name: name, node: i, life: f.life, writable: flag&(os.O_RDWR|os.O_WRONLY) != 0}, nil
}

func pathError(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// List implements vfs.FS.
func (f *FS) List(dir string) ([]string, error) {
	dir = filepath.Clean(dir)
	if _, err := f.begin(Open, dir); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if !f.dirs[dir] {
		return nil, pathError("list", dir, fs.ErrNotExist)
	}
	var all []string
	for name := range f.names {
		if filepath.Dir(name) == dir {
			all = append(all, filepath.Base(name))
		}
	}
	slices.Sort(all)
	return all, nil
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(dir string) error {
	dir = filepath.Clean(dir)
	if _, err := f.begin(Open, dir); err != nil {
		return err
	}
	defer f.mu.Unlock()
	f.mkdir(dir)
	return nil
}

func (f *FS) mkdir(dir string) {
	for ; !f.dirs[dir]; dir = filepath.Dir(dir) {
		f.dirs[dir] = true
	}
}

// Rename implements vfs.FS.
func (f *FS) Rename(from, to string) error {
	return f.move(Rename, filepath.Clean(from), filepath.Clean(to))
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error { return f.move(Remove, filepath.Clean(name), "") }

func (f *FS) move(kind Kind, from, to string) error {
	cut, err := f.begin(kind, from)
	if err != nil {
		return err
	}
	defer f.mu.Unlock()
	m := move{remove: from, add: to, node: f.names[from]}
	switch {
	case m.node == nil:
		return pathError("rename or remove", from, fs.ErrNotExist)
	case !cut || f.rng.IntN(2) == 0:
		m.apply(f.names)
		f.moves = append(f.moves, m)
	}
	if cut {
		return pathError("rename or remove", from, ErrPower)
	}
	return nil
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(dir string) error {
	dir = filepath.Clean(dir)
	cut, err := f.begin(SyncDir, dir)
	if err != nil {
		return err
	}
	defer f.mu.Unlock()
	if cut {
		return pathError("sync", dir, ErrPower)
	}
	var rest []move
	for _, m := range f.moves {
		if m.in(dir) {
			m.apply(f.disk)
		} else {
			rest = append(rest, m)
		}
	}
	f.moves = rest
	return nil
}

// inodes returns all files, also those of which only one of the two knows, in an order that follows from the calls.
func (f *FS) inodes() []*inode {
	var all []*inode
	seen := map[*inode]bool{}
	add := func(i *inode) {
		if !seen[i] {
			seen[i] = true
			all = append(all, i)
		}
	}
	for _, names := range []map[string]*inode{f.names, f.disk} {
		for _, name := range slices.SortedFunc(maps.Keys(names), strings.Compare) {
			add(names[name])
		}
	}
	for _, m := range f.moves {
		add(m.node)
	}
	return all
}
