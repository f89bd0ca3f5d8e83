package broker

import (
	"time"

	"github.com/foxmq/foxmq/internal/fair"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// deadlineSlack is how much later than due a silent client may be found out. It spares most reads a new deadline.
const deadlineSlack = 250 * time.Millisecond

// input is what a client's reader goroutine owns.
type input struct {
	reader   *mqtt.Reader
	patience time.Duration // how long the client may send no packet; 0 is for ever
	deadline time.Time     // of the socket; zero is none
	waiting  bool          // the deadline holds for the packet that is awaited
	late     time.Duration // how much later than deadline that packet may come, since it waited for us
	buffer   readBuffer

	aliases    []string        // by topic alias - 1; "" is undefined
	publish    replica.Publish // reused for every PUBLISH
	postponed  bool            // the backlog may not be empty
	acked      bool            // the window may have places that the writer does not know of
	replied    bool            // and there may be answers
	turn       fair.Turn
	submitted  bool    // something after CONNECT has been submitted
	pace       pace    // of the publishes
	hasty      int64   // since when the client publishes faster than it may, without a pause; 0: it does not
	lastExpiry *uint32 // the session expiry interval that DISCONNECT brought; nil: none
}

// socket is a client's connection as its reader sees it: the wait for bytes ends when the client has been silent for
// too long. The clock runs only while we wait, so it stands still while the broker does not read
// (docs/semantics.md, "Publishing"); and only whole packets wind it up again [MQTT-3.1.2-22].
type socket struct{ *client }

// Read implements io.Reader.
func (s socket) Read(p []byte) (n int, err error) {
	b := &s.input.buffer
	switch {
	case b.now:
		n, err = readNow(b.fd, p)
	case b.hasFirst:
		b.hasFirst = false
		n = copy(p, b.first[:])
	default:
		n, err = s.readOn(p)
	}
	s.broker.counters.bytesReceived.Add(uint64(n))
	s.input.turn.Spend(readWork + n)
	return n, err
}

// beginWait is called before each wait for bytes.
func (c *client) beginWait() {
	c.wakeAcked()
	c.wakeReplied()
	if !c.input.waiting {
		c.input.waiting, c.input.late = true, 0
		c.setDeadline(time.Now())
	}
}

// setDeadline gives the client its patience from now on, unless the deadline in force is late enough.
func (c *client) setDeadline(now time.Time) {
	in := &c.input
	switch {
	case in.patience == 0 && in.deadline.IsZero(), in.patience > 0 && in.deadline.After(now.Add(in.patience)):
		return
	case in.patience == 0:
		in.deadline = time.Time{}
	default:
		in.deadline = now.Add(in.patience + deadlineSlack)
	}
	c.applyDeadline()
}

// putOff gives the packet that is awaited so much more time.
func (c *client) putOff(d time.Duration) {
	in := &c.input
	if !in.waiting || in.deadline.IsZero() {
		return
	}
	if in.late += d; in.late > deadlineSlack {
		in.deadline, in.late = in.deadline.Add(in.late), 0
		c.applyDeadline()
	}
}

func (c *client) applyDeadline() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != closing { // else finish has set a deadline that must stay
		c.conn.SetReadDeadline(c.input.deadline)
	}
}

// setPatience changes how long the client may be silent, from the next packet on.
func (c *client) setPatience(d time.Duration) {
	c.input.patience, c.input.deadline = d, time.Now()
}

// next reads a packet. It is valid until the next call.
func (c *client) next() (mqtt.Packet, error) {
	if err := c.awaitInput(); err != nil {
		return nil, err
	}
	packet, err := c.input.reader.Next()
	c.input.waiting = false
	c.input.turn.Spend(packetWork)
	if err == nil {
		err = mqtt.FromClient(packet)
	}
	return packet, err
}
