package faultfs

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
)

// sector is how many bytes a disk writes at once.
const sector = 512

// move is a change of names: a file is created, renamed or removed.
type move struct {
	remove, add string // empty: none
	node        *inode
}

func (m move) apply(names map[string]*inode) {
	if m.remove != "" && names[m.remove] == m.node {
		delete(names, m.remove)
	}
	if m.add != "" {
		names[m.add] = m.node
	}
}

func (m move) in(dir string) bool {
	return m.add != "" && filepath.Dir(m.add) == dir || m.add == "" && filepath.Dir(m.remove) == dir
}

// loss is how much of what was not synced is lost.
type loss int

const (
	allOfIt loss = iota
	nothing
	someEnd
	anyPart
	losses
)

// kept tells which of n changes survive.
func (l loss) kept(rng *rand.Rand, n int) func(i int) bool {
	end := 0
	if l == someEnd {
		end = rng.IntN(n + 1)
	}
	return func(i int) bool {
		switch l {
		case nothing:
			return true
		case someEnd:
			return i < end
		case anyPart:
			return rng.IntN(2) == 0
		}
		return false
	}
}

// loseNames decides which names are on the disk.
func (f *FS) loseNames() {
	kept := loss(f.rng.IntN(int(losses))).kept(f.rng, len(f.moves))
	for i, m := range f.moves {
		if kept(i) {
			m.apply(f.disk)
		}
	}
	f.moves = nil
}

// inode is a file. Its slices share arrays, as nothing in an array is changed once it is there: whoever changes
// anything but the end of a file copies it.
type inode struct {
	data   []byte   // as a process sees it
	disk   []byte   // as it would be found if all changes were lost
	dirty  []change // since it was synced
	parted bool     // something was lost that the process sees
}

// change is a write, or a truncation if data is nil.
type change struct {
	at   int64
	data []byte
}

func (c change) apply(file []byte) []byte {
	size := int64(len(file))
	switch {
	case c.data == nil || c.at > size:
		file = resized(file, c.at)
	case c.at < size:
		file = slices.Clone(file)
	}
	n := copy(file[c.at:], c.data)
	return append(file, c.data[n:]...)
}

// resized returns the file cut to a size, or with zeros up to it.
func resized(file []byte, size int64) []byte {
	if size <= int64(len(file)) {
		return file[:size:size]
	}
	return append(file, make([]byte, size-int64(len(file)))...)
}

func (i *inode) truncate(size int64) {
	c := change{at: size}
	i.data = c.apply(i.data)
	i.dirty = append(i.dirty, c)
}

func (i *inode) write(at int64, data []byte) {
	i.data = change{at, data}.apply(i.data)
	i.dirty = append(i.dirty, change{at, slices.Clip(i.data[at : at+int64(len(data))])})
}

// sync puts all changes on the disk.
func (i *inode) sync() {
	if !i.parted {
		i.disk, i.dirty = slices.Clip(i.data), nil
		return
	}
	for _, c := range i.dirty {
		i.disk = c.apply(i.disk)
	}
	i.dirty = nil
}

// restart lets a process see what is on the disk.
func (i *inode) restart() { i.data, i.parted = slices.Clip(i.disk), false }

// lose puts on the disk what survives of the changes. The process goes on seeing all of them.
func (i *inode) lose(rng *rand.Rand) {
	if len(i.dirty) == 0 {
		return
	}
	i.parted = true
	how := loss(rng.IntN(int(losses)))
	kept := how.kept(rng, len(i.dirty))
	for n, c := range i.dirty {
		switch {
		case kept(n):
			if c.data != nil && how == anyPart {
				i.scatter(c, rng)
			} else {
				i.disk = c.apply(i.disk)
			}
		case how == someEnd:
			i.tear(c, rng)
			i.dirty = nil
			return
		}
	}
	i.dirty = nil
}

// tear puts the beginning of a write on the disk.
func (i *inode) tear(c change, rng *rand.Rand) {
	if c.data != nil {
		i.disk = change{c.at, c.data[:rng.IntN(len(c.data)+1)]}.apply(i.disk)
	}
}

// scatter puts any sectors of a write on the disk; what is not there of a file that grew is zeros.
func (i *inode) scatter(c change, rng *rand.Rand) {
	if end := c.at + int64(len(c.data)); end > int64(len(i.disk)) && rng.IntN(2) == 0 {
		i.disk = resized(i.disk, end)
	}
	for data := c.data; len(data) > 0; {
		n := min(sector-c.at%sector, int64(len(data)))
		if rng.IntN(2) == 0 {
			i.disk = change{c.at, data[:n]}.apply(i.disk)
		}
		c.at += n
		data = data[n:]
	}
}
