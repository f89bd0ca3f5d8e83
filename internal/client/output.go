package client

import (
	"io"
	"sync"
)

// maxUnwritten is how many bytes may wait to be written before append waits.
const maxUnwritten = 1 << 20

// output gathers packets and writes what has gathered with one call.
type output struct {
	finished chan struct{} // closed when everything up to finish is written

	mu     sync.Mutex
	change sync.Cond // on mu: something was gathered, written, finished or closed
	buf    []byte    // guarded by mu
	last   bool      // nothing comes any more; guarded by mu
	closed bool      // guarded by mu
}

func (o *output) init() {
	o.change.L = &o.mu
	o.finished = make(chan struct{})
}

// append adds a packet that f appends. It waits while too much is unwritten, and reports whether it could.
func (o *output) append(f func([]byte) []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) > maxUnwritten && !o.closed {
		o.change.Wait()
	}
	return o.add(f)
}

// appendNow is append that never waits, for the reading goroutine: its answers are as bounded as what it reads.
func (o *output) appendNow(f func([]byte) []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.add(f)
}

// add appends; mu is held.
func (o *output) add(f func([]byte) []byte) bool {
	if o.closed || o.last {
		return false
	}
	if len(o.buf) == 0 {
		o.change.Broadcast()
	}
	o.buf = f(o.buf)
	return true
}

// finish lets nothing further in; finished is closed when all is written.
func (o *output) finish() {
	o.mu.Lock()
	o.last = true
	o.change.Broadcast()
	o.mu.Unlock()
}

func (o *output) close() {
	o.mu.Lock()
	o.closed = true
	o.change.Broadcast()
	o.mu.Unlock()
}

// run writes until the output is finished or closed or a write fails.
func (o *output) run(w io.Writer) error {
	var spare []byte
	for {
		o.mu.Lock()
		for len(o.buf) == 0 && !o.last && !o.closed {
			o.change.Wait()
		}
		if o.closed {
			o.mu.Unlock()
			return ErrClosed
		}
		buf := o.buf
		o.buf = spare[:0]
		o.change.Broadcast()
		o.mu.Unlock()
		if len(buf) == 0 {
			close(o.finished)
			return ErrClosed
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		spare = buf
	}
}
