package replica

import (
	"crypto/sha256"
	"encoding/binary"
)

// The kinds of records, the first byte of their keys. What a record refers to stands in one of a lower kind, so that
// Load reads them once.
//
//	kind          the key's rest         what it says
//	meta          -                      index, time, how many bodies were made
//	member        number                 incarnation, next number, the members that suspect it
//	body          id                     a message in queues, once however many wait for it
//	retained      topic                  a retained message
//	session       client id              all of it that no other kind says
//	subscription  epoch, filter          options; where it is among a shared subscription's
//	page          epoch, first           packet identifiers that wait for PUBREL, 256 a record
//	queued        epoch, number          an unfinished delivery, by its body's id
//	group         $share/group/filter    whose turn it is
//	ban           kind, value            a ban that holds: until when, why, by which member and transaction
//
// Numbers in keys have eight bytes, the highest first.
const (
	recordMeta = iota + 1
	recordMember
	recordBody
	recordRetained
	recordSession
	recordSubscription
	recordPage
	recordQueued
	recordGroup
	recordBan
)

// The flags of a session's record.
const (
	sessionConnected = 1 << iota
	sessionLasting
	sessionWill
	sessionNoticed // its end is, see timer
	sessionEnd
)

// The flags of a queued delivery's record. The two lowest bits are the QoS.
const (
	queuedRetain = 1 << (iota + 2)
	queuedReceived
	queuedReplayed
	queuedEnd
)

// maxName bounds the part of a topic, client id, filter or ban's value that stands in a key; maxKey bounds a key. Behind a longer
// name's part stand a zero byte, which no name has, and a hash. Stores have bounds on keys that names may exceed.
const (
	maxName = 512
	maxKey  = 1 + 8 + maxName + 1 + sha256.Size
)

func appendName(dst []byte, name string) []byte {
	if len(name) <= maxName {
		return append(dst, name...)
	}
	sum := sha256.Sum256([]byte(name))
	dst = append(dst, name[:maxName]...)
	return append(append(dst, 0), sum[:]...)
}

func appendEpoch(dst []byte, kind byte, s *session) []byte {
	return binary.BigEndian.AppendUint64(append(dst, kind), s.epoch)
}

func appendNumbers(dst []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func (m *meta) appendKey(dst []byte) []byte { return append(dst, recordMeta) }

func (m *meta) appendValue(dst []byte) []byte {
	return appendNumbers(dst, m.index, uint64(m.time), m.bodies)
}

func (n *node) appendKey(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(append(dst, recordMember), uint64(n.member))
}

func (n *node) appendValue(dst []byte) []byte {
	dst = appendNumbers(dst, uint64(n.member), n.incarnation, n.next)
	for _, member := range n.suspectedBy {
		dst = binary.AppendUvarint(dst, uint64(member))
	}
	return dst
}

func (b *body) appendKey(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(append(dst, recordBody), b.id)
}

func (b *body) appendValue(dst []byte) []byte {
	return b.message.append(appendNumbers(dst, b.id, uint64(b.time)))
}

func (e *entry) appendKey(dst []byte) []byte {
	return appendName(append(dst, recordRetained), e.Message.Topic)
}

func (e *entry) appendValue(dst []byte) []byte {
	id := uint64(0) // none
	if e.body != nil {
		id = e.body.id
	}
	dst = appendNumbers(dst, e.Index, uint64(e.Time), id)
	return e.Message.append(appendString(dst, e.ClientID))
}

func (s *session) appendKey(dst []byte) []byte {
	return appendName(append(dst, recordSession), s.client)
}

func (s *session) appendValue(dst []byte) []byte {
	dst = append(dst, bit(s.connected, sessionConnected)|bit(s.lasting, sessionLasting)|
		bit(s.will != nil, sessionWill)|bit(s.endAt.noticed, sessionNoticed))
	dst = appendNumbers(dst, s.epoch, uint64(s.conn.Node), s.conn.Incarnation, s.conn.Number,
		uint64(s.expiry), uint64(s.willDelay), uint64(s.willAt.at), uint64(s.endAt.at), s.queue.next, s.queue.offered)
	dst = appendString(dst, s.client)
	if s.will != nil {
		dst = s.will.append(dst)
	}
	return dst
}

func (h *holding) appendKey(dst []byte) []byte {
	return appendName(appendEpoch(dst, recordSubscription, h.session), h.filter)
}

func (h *holding) appendValue(dst []byte) []byte {
	dst = appendNumbers(dst, h.session.epoch, h.joined, uint64(h.id))
	s := Subscription{Filter: h.filter, QoS: h.qos, NoLocal: h.noLocal, RetainAsPublished: h.retainAsPublished}
	return s.append(dst)
}

func (p *page) appendKey(dst []byte) []byte {
	return append(appendEpoch(dst, recordPage, p.session), p.number)
}

func (p *page) appendValue(dst []byte) []byte {
	dst = append(appendNumbers(dst, p.session.epoch), p.number)
	for _, word := range p.ids {
		dst = binary.BigEndian.AppendUint64(dst, word)
	}
	return dst
}

// queued is a pending delivery as a record. There is none before the first Flush that finds the delivery, so that
// one which is soon done costs nothing.
type queued struct {
	mark
	session *session
	pending *pending
}

func (q *queued) appendKey(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(appendEpoch(dst, recordQueued, q.session), q.pending.Number)
}

func (q *queued) appendValue(dst []byte) []byte {
	p := q.pending
	dst = append(dst, p.QoS|bit(p.Retain, queuedRetain)|bit(p.received, queuedReceived)|bit(p.replayed, queuedReplayed))
	dst = appendNumbers(dst, q.session.epoch, p.Number, p.body.id)
	dst = appendString(dst, p.group)
	for _, id := range p.IDs {
		dst = binary.AppendUvarint(dst, uint64(id))
	}
	return dst
}

func (g *group) appendKey(dst []byte) []byte { return appendName(append(dst, recordGroup), g.name) }

func (g *group) appendValue(dst []byte) []byte {
	return appendString(appendNumbers(dst, uint64(g.turn)), g.name)
}

func (b *ban) appendKey(dst []byte) []byte {
	return appendName(append(dst, recordBan, byte(b.Kind)), b.Value)
}

func (b *ban) appendValue(dst []byte) []byte {
	dst = appendNumbers(dst, b.Index, uint64(b.Node), uint64(b.Until))
	return appendString(b.appendTarget(dst), b.Reason)
}
