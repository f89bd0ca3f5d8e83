package event

import (
	"bytes"
	"encoding/binary"
)

// Limits of one message. A sender splits what is more.
const (
	MaxMessage       = 32 << 20 // bytes
	MaxMessageEvents = 4096
	MaxMessageIDs    = 4096
	MaxMessageVotes  = 256
)

// Bits of a message's first byte. The last one says that votes follow the events.
const (
	flagBoot byte = 1 << iota
	flagAnswer
	flagVotes
	allFlags = flagBoot | flagAnswer | flagVotes
)

// Tip is the newest event that a node knows on one branch of a creator's self-chain. A creator that never
// forked has one tip.
type Tip struct {
	Creator int
	Seq     uint64
	ID      ID
}

// Message is what one node says to a peer. All parts are optional.
type Message struct {
	// Events is a push, or an answer to Want: each event's parents come before it, or the peer is thought to
	// know them.
	Events []*Event
	// Want asks for these events and for those of their ancestors that Tips does not cover.
	Want []ID
	// Tips tells the sender's tips, by ascending creator, then ascending seq, then ID. The tips of the
	// receiver's own creator are how a booting node learns its own highest event.
	Tips []Tip
	// Votes tells how the states of some creators were after some rounds. Nobody has verified their signatures.
	Votes []Vote
	// Boot says that the sender observes after a start. It is of account in messages that tell tips or answer. Unless
	// the message is an answer, the sender waits for the receiver's tips, and the receiver answers with them at once.
	Boot bool
	// Answer says that Tips answers a Boot.
	Answer bool
}

// Append appends the message's encoding.
func (m *Message) Append(dst []byte) []byte {
	var flags byte
	if m.Boot {
		flags |= flagBoot
	}
	if m.Answer {
		flags |= flagAnswer
	}
	if len(m.Votes) > 0 {
		flags |= flagVotes
	}
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(len(m.Tips)))
	for _, t := range m.Tips {
		dst = binary.AppendUvarint(dst, uint64(t.Creator))
		dst = binary.AppendUvarint(dst, t.Seq)
		dst = append(dst, t.ID[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.Want)))
	for _, id := range m.Want {
		dst = append(dst, id[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.Events)))
	for _, e := range m.Events {
		dst = e.Append(dst)
	}
	return m.appendVotes(dst)
}

// appendVotes appends nothing if there are no votes, which the flags have told.
func (m *Message) appendVotes(dst []byte) []byte {
	if len(m.Votes) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.Votes)))
	for i := range m.Votes {
		dst = m.Votes[i].append(dst)
	}
	return dst
}

// DecodeMessage reads a message that fills b. Its events keep references into b.
func DecodeMessage(b []byte, domain Domain) (*Message, error) {
	d := decoder{rest: b}
	flags := d.byte()
	if flags&^allFlags != 0 {
		d.fail("unknown message flags")
	}
	m := &Message{Boot: flags&flagBoot != 0, Answer: flags&flagAnswer != 0}
	for n := d.count(MaxMessageIDs); n > 0 && d.err == nil; n-- {
		m.Tips = append(m.Tips, Tip{Creator: d.member(), Seq: d.uvarint(), ID: d.id()})
	}
	for n := d.count(MaxMessageIDs); n > 0 && d.err == nil; n-- {
		m.Want = append(m.Want, d.id())
	}
	n := d.count(MaxMessageEvents)
	for ; n > 0 && d.err == nil; n-- {
		e, rest, err := Decode(d.rest, domain)
		if err != nil {
			return nil, err
		}
		if len(e.Payload) < len(b)/2 { // or it would keep all of the message as long as it is kept
			e.Payload = bytes.Clone(e.Payload)
		}
		m.Events = append(m.Events, e)
		d.rest = rest
	}
	if flags&flagVotes != 0 {
		m.Votes = d.votes()
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes behind the message")
	}
	if d.err != nil {
		return nil, d.err
	}
	return m, nil
}
