package gossip

import (
	"sync"

	"github.com/foxmq/foxmq/internal/event"
)

// outgoing is a message on its way to one peer or to many. It is encoded once, by whichever peer's sender gets to
// it first.
type outgoing struct {
	message *event.Message
	size    int // of the frame, in bytes, at most

	once  sync.Once
	frame []byte // set by once
}

func newOutgoing(m *event.Message) *outgoing { return &outgoing{message: m, size: frameSize(m)} }

// encoded returns the message's frame, which nobody may change.
func (o *outgoing) encoded() []byte {
	o.once.Do(func() {
		o.frame = endFrame(o.message.Append(beginFrame(make([]byte, 0, o.size))))
	})
	return o.frame
}

// Upper bounds of the encodings of the parts, in bytes: see docs/wire.md.
const (
	shortVarint = 3  // of a member or a count
	longVarint  = 10 // of any 64-bit number
	idSize      = 32
	tipSize     = shortVarint + longVarint + idSize
	parentSize  = shortVarint + 2*longVarint + idSize
	voteSize    = shortVarint + longVarint + 32 + 64
	eventSize   = 1 + shortVarint + 2*longVarint + shortVarint + 8 + 1 + 32 + 64 + 5 // without parents and payload
)

// frameSize returns at least the length of the message's frame, without encoding it.
func frameSize(m *event.Message) int {
	size := frameHeader + 1 + 4*shortVarint + len(m.Tips)*tipSize + len(m.Want)*idSize + len(m.Votes)*voteSize
	for _, e := range m.Events {
		size += eventSize + len(e.Parents)*parentSize + len(e.Payload)
	}
	return size
}
