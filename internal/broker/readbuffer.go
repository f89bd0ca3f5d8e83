package broker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/foxmq/foxmq/internal/replica"
)

// readBufferSize is how much is read from a socket at once.
const readBufferSize = 8 << 10

// readBuffers are those that no client uses.
var readBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBufferSize) }}

// readBuffer is what a client is read through. Most clients are silent for most of the time, so a client has a buffer
// only from when something has come until all of that has been handled.
type readBuffer struct {
	in *bufio.Reader // nil: none

	// Of a plain socket, which can be waited for without a buffer.
	raw  syscall.RawConn // nil: it is not one
	fill func(fd uintptr) (done bool)
	fd   uintptr // in a call of fill: it is to be read without waiting
	now  bool    // fd is valid
	err  error   // that fill or more has come upon

	// Of a plain socket in the midst of a packet.
	more func(fd uintptr) (done bool)
	into []byte
	n    int // how much of it has been read

	// Of any other connection, where the first byte that comes is read alone.
	first    [1]byte
	hasFirst bool // and is still to be taken
}

// errNothingYet is what a read without waiting comes to when nothing has come.
var errNothingYet = errors.New("nothing has come yet")

// initBuffer is called before anything is read.
func (c *client) initBuffer() {
	c.input.buffer.raw = rawSocket(c.conn)
	c.input.buffer.fill, c.input.buffer.more = c.fillBuffer, c.readMore
}

// rawSocket returns what reads a connection's socket, nil if it is more than a socket or the system cannot do it.
func rawSocket(conn net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	var err error
	switch conn := conn.(type) {
	case *net.TCPConn:
		raw, err = conn.SyscallConn()
	case *net.UnixConn:
		raw, err = conn.SyscallConn()
	}
	if err != nil || !canReadNow {
		return nil
	}
	return raw
}

// awaitInput waits for a packet to begin, without a buffer, and sees to it that there is one then. The errors are those
// of mqtt.Reader between two packets.
func (c *client) awaitInput() error {
	b := &c.input.buffer
	c.makeWay()
	if b.in != nil && b.in.Buffered() > 0 {
		c.takeTurn()
		return nil
	}
	c.beginWait()
	var err error
	if b.raw == nil {
		err = c.awaitByte()
	} else if err = b.raw.Read(b.fill); err == nil {
		err = b.err
	}
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("read packet: %w", err)
}

// fillBuffer reads what has come, in the client's turn. It reports false if that is nothing, and is called again when there is something: so
// the wait costs no more system calls than net.Conn.Read makes.
func (c *client) fillBuffer(fd uintptr) (done bool) {
	b := &c.input.buffer
	c.takeTurn()
	c.takeBuffer()
	b.fd, b.now = fd, true
	_, b.err = b.in.Peek(1)
	b.now = false
	if errors.Is(b.err, errNothingYet) {
		c.releaseBuffer()
		c.input.turn.End()
		return false
	}
	return true
}

// readOn waits for more of a packet. Of a long one it reads no more at once than a turn is long.
func (c *client) readOn(p []byte) (n int, err error) {
	b := &c.input.buffer
	c.makeWay()
	c.beginWait()
	if b.raw == nil {
		c.input.turn.End()
		n, err = c.conn.Read(p)
		c.takeTurn()
		return n, err
	}
	b.into = p[:min(len(p), turnWork)]
	err = b.raw.Read(b.more)
	b.into = nil
	if err == nil {
		n, err = b.n, b.err
	}
	return n, err
}

// readMore is like fillBuffer, and reads what b.into has room for.
func (c *client) readMore(fd uintptr) (done bool) {
	b := &c.input.buffer
	c.takeTurn()
	b.n, b.err = readNow(fd, b.into)
	if errors.Is(b.err, errNothingYet) {
		c.input.turn.End()
		return false
	}
	return true
}

// awaitByte is awaitInput for connections that are no plain sockets. Most of these have a buffer of their own, so that
// it costs them no system call to read one byte first.
func (c *client) awaitByte() error {
	b := &c.input.buffer
	c.releaseBuffer()
	c.input.turn.End()
	n, err := c.conn.Read(b.first[:])
	c.takeTurn()
	if n == 0 && err != nil {
		return err
	}
	b.hasFirst = n > 0
	c.takeBuffer()
	return nil
}

// takeBuffer gives the client a buffer if it has none.
func (c *client) takeBuffer() {
	b := &c.input.buffer
	if b.in == nil {
		b.in = readBuffers.Get().(*bufio.Reader)
		b.in.Reset(socket{c})
		c.input.reader.SetSource(b.in)
	}
}

// releaseEmptyBuffer releases the buffer unless something is left in it.
func (c *client) releaseEmptyBuffer() {
	if b := &c.input.buffer; b.in != nil && b.in.Buffered() == 0 {
		c.releaseBuffer()
	}
}

// releaseBuffer gives the client's buffer, in which nothing is left that anybody wants, to others, and forgets the last
// message.
func (c *client) releaseBuffer() {
	b := &c.input.buffer
	if b.in == nil {
		return
	}
	c.input.reader.SetSource(nil)
	c.input.publish.Message = replica.Message{}
	b.in.Reset(nil)
	readBuffers.Put(b.in)
	b.in = nil
}
