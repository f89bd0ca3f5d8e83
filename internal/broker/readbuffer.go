package broker

import (
	"bufio"
	"sync"
	"time"
)

const (
	// readBufferSize is how much is read from a socket at once.
	readBufferSize = 8 << 10
	// quietAfter is how long a client must have sent nothing to be one that waits without a buffer. A buffer given back
	// costs the next packet a read of its first byte alone, which who sends more often should be spared.
	quietAfter = time.Second
)

// readBuffers are those that no client uses.
var readBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBufferSize) }}

// readBuffer is what a client is read through. Many clients are silent for most of the time, and then have none: the
// first byte of their next packet is read without.
type readBuffer struct {
	in     *bufio.Reader // nil: none
	waited time.Time     // when the last wait for input began

	early [1]byte // what was read without a buffer: this byte, unless there is an error
	err   error
	has   bool // early or err is there to be taken
}

// awaitInput waits for a packet to begin, without a buffer if the client is quiet, and sees to it that there is one then.
func (c *client) awaitInput() {
	b := &c.input.buffer
	if b.in != nil && b.in.Buffered() > 0 {
		return
	}
	now := time.Now()
	quiet := now.Sub(b.waited) >= quietAfter
	b.waited = now
	if quiet {
		c.releaseBuffer()
		_, b.err = socket{c}.Read(b.early[:])
		b.has = true
	}
	if b.in == nil {
		b.in = readBuffers.Get().(*bufio.Reader)
		b.in.Reset(socket{c})
		c.input.reader.SetSource(b.in)
	}
}

// takeEarly returns what was read without a buffer, if that was not taken yet.
func (b *readBuffer) takeEarly(p []byte) (n int, err error, ok bool) {
	if !b.has {
		return 0, nil, false
	}
	b.has = false
	if b.err != nil {
		return 0, b.err, true
	}
	return copy(p, b.early[:]), nil, true
}

// releaseBuffer gives the client's buffer, in which nothing is left that anybody wants, to others.
func (c *client) releaseBuffer() {
	b := &c.input.buffer
	if b.in == nil {
		return
	}
	c.input.reader.SetSource(nil)
	b.in.Reset(nil)
	readBuffers.Put(b.in)
	b.in = nil
}
