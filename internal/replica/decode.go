package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/topic"
)

// ErrMalformed is wrapped by every error of DecodeCommand and Load.
var ErrMalformed = errors.New("malformed")

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
	cmd := d.fields(d.byte())
	if len(d.rest) > 0 {
		d.fail("bytes behind the command")
	}
	return cmd
}

// fields reads what stands behind the kind.
func (d *decoder) fields(kind byte) Command {
	switch kind {
	case kindPublish:
		p := &Publish{Connection: d.connection()}
		d.message(&p.Message)
		return p
	case kindConnect:
		return d.connect()
	case kindEnd:
		return d.end()
	case kindRelease:
		return &Release{Connection: d.connection(), PacketID: d.packetID()}
	case kindSubscribe:
		return d.subscribe()
	case kindUnsubscribe:
		return d.unsubscribe()
	case kindAck:
		return d.ack()
	case kindTick:
		return &Tick{}
	case kindPublishOnce:
		return d.publishOnce()
	case kindBan:
		return &Ban{Target: d.banTarget(), Seconds: d.uint32(), Reason: d.banReason()}
	case kindUnban:
		return &Unban{Target: d.banTarget()}
	case kindSuspect:
		return d.suspect()
	}
	d.fail("unknown kind")
	return nil
}

func (d *decoder) publishOnce() *Publish {
	p := &Publish{Connection: d.connection(), PacketID: d.packetID()}
	d.message(&p.Message)
	if p.Message.QoS != 2 {
		d.fail("packet identifier below QoS 2")
	}
	return p
}

func (d *decoder) connect() *Connect {
	c := &Connect{Connection: d.connection()}
	flags := d.flags(connectEnd)
	c.Clean = flags&connectClean != 0
	id := d.block(math.MaxUint16)
	if !validClientID(id) {
		d.fail("client id")
	}
	c.ClientID = string(id)
	c.Expiry = d.uint32()
	if flags&connectWill != 0 {
		c.WillDelay = d.uint32()
		c.Will = &Message{}
		d.message(c.Will)
	}
	return c
}

func (d *decoder) end() *End {
	e := &End{Connection: d.connection()}
	flags := d.flags(endEnd)
	e.PublishWill = flags&endPublishWill != 0
	if e.HasExpiry = flags&endHasExpiry != 0; e.HasExpiry {
		e.Expiry = d.uint32()
	}
	if e.HasUnsent = flags&endHasUnsent != 0; e.HasUnsent {
		e.Unsent = d.uvarint()
	}
	return e
}

func (d *decoder) subscribe() *Subscribe {
	s := &Subscribe{Connection: d.connection(), ID: d.uint32()}
	if s.ID > maxSubscriptionID {
		d.fail("subscription identifier")
	}
	for more := true; more; more = d.err == nil && len(d.rest) > 0 {
		s.Subscriptions = append(s.Subscriptions, d.subscription())
	}
	return s
}

// maxSubscriptionID is the largest subscription identifier that MQTT knows.
const maxSubscriptionID = 268_435_455

func (d *decoder) subscription() Subscription {
	filter, shared := d.filter()
	options := d.flags(optionsEnd)
	s := Subscription{
		Filter:            filter,
		QoS:               options & 3,
		NoLocal:           options&optionNoLocal != 0,
		RetainAsPublished: options&optionRetainAsPublished != 0,
		RetainHandling:    options / optionRetainHandling,
	}
	if s.QoS == 3 || s.RetainHandling == 3 || s.NoLocal && shared {
		d.fail("subscription options")
	}
	return s
}

func (d *decoder) unsubscribe() *Unsubscribe {
	u := &Unsubscribe{Connection: d.connection()}
	for more := true; more; more = d.err == nil && len(d.rest) > 0 {
		filter, _ := d.filter()
		u.Filters = append(u.Filters, filter)
	}
	return u
}

// filter reads a topic filter, and tells whether it is a shared subscription's.
func (d *decoder) filter() (filter string, shared bool) {
	filter = string(d.block(math.MaxUint16))
	group, _, ok := topic.Parse(filter)
	if !ok {
		d.fail("filter")
	}
	return filter, group != ""
}

func (d *decoder) ack() *Ack {
	a := &Ack{Connection: d.connection(), Received: d.ascending(), Done: d.ascending()}
	if len(a.Received)+len(a.Done) == 0 {
		d.fail("nothing acknowledged")
	}
	return a
}

// ascending reads what appendAscending wrote; an empty list is nil.
func (d *decoder) ascending() []uint64 {
	count := d.uvarint()
	if count > MaxAcks || count > uint64(len(d.rest)) {
		d.fail("too many numbers")
	}
	if d.err != nil || count == 0 {
		return nil
	}
	list := make([]uint64, count)
	least := uint64(0)
	for i := range list {
		step := d.uvarint()
		if step >= math.MaxUint64-least { // so that there is a next one
			d.fail("number too large")
		}
		list[i] = least + step
		least = list[i] + 1
	}
	return list
}

func (d *decoder) banTarget() BanTarget {
	read := BanTarget{Kind: BanKind(d.byte()), Value: string(d.block(MaxBanValue))}
	if t, err := NewBanTarget(read.Kind, read.Value); err != nil || t != read {
		d.fail("target of a ban")
	}
	return read
}

func (d *decoder) banReason() string {
	reason := string(d.block(MaxBanReason))
	if CheckBanReason(reason) != nil {
		d.fail("reason of a ban")
	}
	return reason
}

func (d *decoder) suspect() *Suspect {
	s := &Suspect{Withdraw: d.flags(suspectEnd) != 0, Member: int(d.uint16()), Incarnation: d.uvarint()}
	if s.Incarnation == 0 {
		d.fail("incarnation 0")
	}
	return s
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
	flags := d.flags(flagsEnd)
	if flags&3 == 3 {
		d.fail("QoS 3")
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

// flags reads a byte below end.
func (d *decoder) flags(end byte) byte {
	b := d.byte()
	if b >= end {
		d.fail("unknown flags")
	}
	return b
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

func (d *decoder) uint16() uint16 {
	v := d.uvarint()
	if v > math.MaxUint16 {
		d.fail("number too large")
		return 0
	}
	return uint16(v)
}

// packetID reads a packet identifier; 0 is none.
func (d *decoder) packetID() uint16 {
	id := d.uint16()
	if id == 0 {
		d.fail("packet identifier 0")
	}
	return id
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
