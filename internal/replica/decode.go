package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/topic"
)

// ErrMalformed is wrapped by every error of DecodeCommand.
var ErrMalformed = errors.New("malformed command")

// DecodeCommand reads a command that fills b and checks that a correct node could have submitted it: each
// encoding is the one that Append makes, and everything that may reach a client is well-formed MQTT. The command
// keeps no reference into b, so that a message which waits in a queue does not hold the event it came in.
func DecodeCommand(b []byte) (Command, error) {
	d := decoder{rest: b}
	cmd := d.command()
	if d.err != nil {
		return nil, d.err
	}
	return cmd, nil
}

// decoder reads fields from rest; the first error sticks, and reads after it return zero values.
type decoder struct {
	rest   []byte
	err    error
	topics *interner // nil: topics are not interned
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
}

func (d *decoder) header() Header {
	h := Header{Incarnation: d.uvarint(), Number: d.uvarint()}
	if h.Incarnation == 0 {
		d.fail("incarnation 0")
	}
	if d.err != nil {
		return Header{}
	}
	return h
}

func (d *decoder) command() Command {
	if len(d.rest) > MaxCommand {
		d.fail("too long")
	}
	switch d.byte() {
	case kindPublish:
		p := &Publish{Connection: d.connection()}
		d.message(&p.Message)
		return p
	case kindConnect:
		return d.connect()
	case kindEnd:
		e := &End{Connection: d.connection(), PublishWill: d.bool()}
		if len(d.rest) > 0 {
			d.fail("bytes behind the command")
		}
		return e
	}
	d.fail("unknown kind")
	return nil
}

func (d *decoder) connect() *Connect {
	c := &Connect{Connection: d.connection()}
	id := d.block(math.MaxUint16)
	if !validClientID(id) {
		d.fail("client id")
	}
	c.ClientID = string(id)
	if d.bool() {
		c.Will = &Message{}
		d.message(c.Will)
	}
	if len(d.rest) > 0 {
		d.fail("bytes behind the command")
	}
	return c
}

// connection reads the number of a connection; 0 names none.
func (d *decoder) connection() uint64 {
	n := d.uvarint()
	if n == 0 {
		d.fail("connection 0")
	}
	return n
}

// message reads all the rest as one message into m.
func (d *decoder) message(m *Message) {
	flags := d.byte()
	if flags >= flagsEnd || flags&3 == 3 {
		d.fail("message flags")
	}
	m.QoS = flags & 3
	m.Retain = flags&flagRetain != 0
	m.HasExpiry = flags&flagExpiry != 0
	m.Topic = d.topic()
	if m.HasExpiry {
		m.Expiry = d.uint32()
	}
	var properties []byte
	if flags&flagProperties != 0 {
		properties = d.properties()
	}
	if d.err != nil {
		return
	}
	own := make([]byte, 0, len(properties)+len(d.rest))
	own = append(own, properties...)
	own = append(own, d.rest...)
	if len(properties) > 0 {
		m.Properties = own[:len(properties):len(properties)]
	}
	m.Payload = own[len(properties):]
	d.rest = nil
}

func (d *decoder) topic() string {
	name := d.block(math.MaxUint16)
	if d.err != nil {
		return ""
	}
	if s, ok := d.topics.lookup(name); ok {
		return s
	}
	s := string(name)
	if !topic.ValidName(s) {
		d.fail("topic")
		return ""
	}
	d.topics.keep(s)
	return s
}

func (d *decoder) properties() []byte {
	b := d.block(MaxCommand)
	if len(b) == 0 {
		d.fail("empty properties")
	} else if !mqtt.CheckForward(b) {
		d.fail("properties")
	}
	return b
}

func (d *decoder) byte() byte {
	if d.err != nil || len(d.rest) == 0 {
		d.fail("truncated")
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) bool() bool {
	b := d.byte()
	if b > 1 {
		d.fail("neither true nor false")
	}
	return b == 1
}

// uvarint reads an unsigned varint in its shortest form, so that an encoding is canonical.
func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.err != nil || n <= 0 || (n > 1 && d.rest[n-1] == 0) {
		d.fail("bad varint")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) uint32() uint32 {
	v := d.uvarint()
	if v > math.MaxUint32 {
		d.fail("number too large")
		return 0
	}
	return uint32(v)
}

// block reads a length, at most limit, and that many bytes, without copying them.
func (d *decoder) block(limit uint64) []byte {
	n := d.uvarint()
	if d.err != nil || n > limit || n > uint64(len(d.rest)) {
		d.fail("truncated")
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}
