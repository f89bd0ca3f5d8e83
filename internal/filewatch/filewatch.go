// Package filewatch notices that files have changed, by looking at them: that works on every file system, for files that
// are replaced, and for what stands behind symbolic links.
//
// # Concurrency
//
// A File belongs to one goroutine at a time. Run of a Watcher is called once; Reload may be called from any goroutine.
package filewatch

import (
	"context"
	"io/fs"
	"os"
	"time"
)

// Every is how often a Watcher looks.
const Every = time.Second

// File is a file that is looked at again and again.
type File struct {
	path string
	seen fs.FileInfo // at the last look; nil: there was none, or no file
}

// New returns a file that nobody has looked at yet.
func New(path string) *File { return &File{path: path} }

// Path returns where the file is.
func (f *File) Path() string { return f.path }

// Look reports whether the file has changed since the last look, by its identity, size and time of modification. At the
// first look, what is there has changed. An error, such as fs.ErrNotExist, says that there is no file to be seen; that is
// a change if there was one before.
func (f *File) Look() (changed bool, err error) {
	before := f.seen
	now, err := os.Stat(f.path)
	if err != nil {
		f.seen = nil
		return before != nil, err
	}
	f.seen = now
	return before == nil || !os.SameFile(before, now) ||
		!before.ModTime().Equal(now.ModTime()) || before.Size() != now.Size(), nil
}

// Watcher says when it is time to look.
type Watcher struct{ reload chan struct{} } // holds one token while a call of Reload waits for Run

// NewWatcher returns a watcher.
func NewWatcher() *Watcher { return &Watcher{make(chan struct{}, 1)} }

// Run calls look again and again until ctx ends: with force if Reload has asked for it.
func (w *Watcher) Run(ctx context.Context, look func(force bool)) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			look(false)
		case <-w.reload:
			look(true)
		}
	}
}

// Reload has Run look now, at files that do not seem to have changed too.
func (w *Watcher) Reload() {
	select {
	case w.reload <- struct{}{}:
	default: // it will anyway
	}
}
