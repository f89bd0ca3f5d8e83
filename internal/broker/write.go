package broker

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/session"
)

const (
	// writeBuffer is how much is gathered for one write.
	writeBuffer = 64 << 10
	// writeBatch is how many messages are taken from the queue at once.
	writeBatch = 256
	// keptControl is how much memory for control packets a client keeps that has none to get.
	keptControl = 4 << 10
)

// output is what a writer goroutine works with.
type output struct {
	buf    []byte
	batch  []session.Sending[outgoing]
	replay *replay
	packet mqtt.Publish
	now    int64 // when batch was taken
	cost   cost  // of what was taken with it
}

var outputs = sync.Pool{New: func() any { return &output{} }}

// release gives an output back to the pool, without what is not worth keeping and what it refers to.
func (o *output) release() {
	if cap(o.buf) > 2*writeBuffer {
		o.buf = nil
	}
	o.packet, o.replay = mqtt.Publish{}, nil
	outputs.Put(o)
}

// wake starts the writer if there is something to write.
func (c *client) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wakeWriter()
}

// wakeWriter starts the writer if there is something to write. The caller holds mu.
func (c *client) wakeWriter() {
	if !c.writing && c.hasOutput() {
		c.writing = true
		c.helpers.Go(c.write)
	}
}

// hasOutput is called with mu held.
func (c *client) hasOutput() bool {
	return len(c.control) > 0 || c.phase == connected && c.session.Ready(c.broker.elapsed())
}

// write is the writer goroutine. It ends when nothing is left to write.
func (c *client) write() {
	out := outputs.Get().(*output)
	defer out.release()
	for c.gather(out) {
		err := c.send(out)
		clear(out.batch)
		c.broker.queued.release(&out.cost)
		if err != nil {
			c.giveUp(err)
		}
	}
}

// gather takes what is next to be sent: control packets, then messages. If there is nothing it ends the writer and
// returns false.
func (c *client) gather(out *output) bool {
	out.now = c.broker.elapsed()
	c.mu.Lock()
	defer c.mu.Unlock()
	out.buf = append(out.buf[:0], c.control...)
	if c.control = c.control[:0]; cap(c.control) > keptControl {
		c.control = nil
	}
	out.batch, out.replay = out.batch[:0], nil
	for c.phase == connected && len(out.batch) < writeBatch && out.replay == nil {
		sending, ok := c.session.Pop(out.now)
		if !ok {
			break
		}
		out.cost.add(&sending.Entry)
		if sending.Mark {
			out.replay = sending.Message.rare.replay
		} else {
			out.batch = append(out.batch, sending)
		}
	}
	if c.phase == connected {
		c.reportDue() // of what has expired
	}
	c.leaving = out.cost.bytes
	c.writing = len(out.buf) > 0 || len(out.batch) > 0 || out.replay != nil
	c.change.Broadcast()
	return c.writing
}

// send writes what was gathered, with as few calls as it takes.
func (c *client) send(out *output) error {
	sent := uint64(0)
	for i := range out.batch {
		s := &out.batch[i]
		switch {
		case s.Expired:
			c.broker.counters.expired.Add(1)
			continue
		case s.Withheld:
			continue
		case s.Received:
			out.buf = (&mqtt.Pubrel{PacketID: s.PacketID}).Append(out.buf, c.version)
			continue
		}
		c.packet(&out.packet, s, out.now)
		c.sent.apply(&out.packet, c.fits)
		out.buf = out.packet.Append(out.buf, c.version)
		sent++
		if len(out.buf) >= writeBuffer {
			if err := c.flush(out); err != nil {
				return err
			}
		}
	}
	c.broker.counters.delivered.Add(sent)
	if err := c.flush(out); err != nil || out.replay == nil {
		return err
	}
	return c.continueReplay(out.replay)
}

// flush writes the buffer. Each piece that the network takes earns the client a new write time-out.
func (c *client) flush(out *output) error {
	for rest := out.buf; len(rest) > 0; {
		piece := rest[:min(len(rest), 4*writeBuffer)]
		c.allowWrite()
		n, err := c.conn.Write(piece)
		c.broker.counters.bytesSent.Add(uint64(n))
		if err != nil {
			return err
		}
		rest = rest[len(piece):]
	}
	out.buf = out.buf[:0]
	return nil
}

// allowWrite sets the deadline for a write, unless finish has set the last one.
func (c *client) allowWrite() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != closing {
		c.conn.SetWriteDeadline(time.Now().Add(c.broker.config.WriteTimeout))
	}
}

// giveUp ends a connection that takes no more. It cannot be told: the failed write may have sent half a packet.
func (c *client) giveUp(err error) {
	if c.close(0) && errors.Is(err, os.ErrDeadlineExceeded) {
		c.broker.counters.slowReaders.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.control = nil
}
