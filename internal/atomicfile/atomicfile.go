// Package atomicfile writes files so that a reader, or a crash, finds either the old content or the new.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file to be written.
type File struct {
	Path string
	Data []byte
	Mode fs.FileMode
}

// Write writes one file, and replaces the one that exists.
func Write(f File) error { return WriteAll([]File{f}, true) }

// WriteAll writes all files or none: after an error everything is as it was. If one exists, it is replaced, or
// without replace an error that wraps fs.ErrExist. The data is on the disk when WriteAll returns.
func WriteAll(files []File, replace bool) (err error) {
	var written []*pending
	defer func() {
		for _, p := range written {
			err = errors.Join(err, p.finish(err == nil))
		}
	}()
	for _, f := range files {
		if !replace && exists(f.Path) {
			return fmt.Errorf("write %s: %w", f.Path, fs.ErrExist)
		}
		p, err := prepare(f)
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
		written = append(written, p)
	}
	for i, p := range written {
		if err := p.commit(i < len(written)-1); err != nil {
			return fmt.Errorf("write %s: %w", p.path, err)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// pending is a file on its way. Everything happens in its own directory, where renaming is atomic.
type pending struct {
	path      string
	temp      string // holds the new content; empty once it is in place
	old       string // holds the old content, if there was any
	committed bool
}

// prepare writes the new content beside the file.
func prepare(f File) (*pending, error) {
	temp, err := os.CreateTemp(filepath.Dir(f.Path), "."+filepath.Base(f.Path)+".*")
	if err != nil {
		return nil, err
	}
	_, err = temp.Write(f.Data)
	err = errors.Join(err, temp.Chmod(f.Mode), temp.Sync(), temp.Close())
	if err != nil {
		return nil, errors.Join(err, os.Remove(temp.Name()))
	}
	return &pending{path: f.Path, temp: temp.Name()}, nil
}

// commit puts the new content in place. It keeps a link to the old if it may have to be taken back.
func (p *pending) commit(keepOld bool) error {
	if keepOld && exists(p.path) {
		old := p.temp + ".old"
		if err := os.Link(p.path, old); err != nil {
			return err
		}
		p.old = old
	}
	if err := os.Rename(p.temp, p.path); err != nil {
		return err
	}
	p.committed = true
	return nil
}

// finish makes the change last, or takes it back, and leaves nothing beside the file.
func (p *pending) finish(ok bool) error {
	var err error
	switch {
	case ok:
		syncDir(filepath.Dir(p.path))
	case p.committed && p.old != "":
		err = os.Rename(p.old, p.path)
		p.old = ""
	case p.committed:
		err = os.Remove(p.path)
	default:
		err = os.Remove(p.temp)
	}
	if p.old != "" {
		err = errors.Join(err, os.Remove(p.old))
	}
	return err
}

// syncDir makes a rename last. Systems that cannot sync a directory need not.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
