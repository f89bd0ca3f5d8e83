package replica

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
)

// Digest returns a SHA-256 over the state in a canonical form: equal on two machines iff their states are. It reads the
// whole state, and knows nothing of records: what Hash must agree with.
func (m *Machine) Digest() [sha256.Size]byte {
	d := stateDigest{hash: sha256.New()}
	var bans []*BanEntry
	d.numbers(m.index, uint64(m.time), m.bodies)
	for i := range m.nodes {
		d.numbers(m.nodes[i].incarnation, m.nodes[i].next, uint64(len(m.nodes[i].suspectedBy)))
		for _, member := range m.nodes[i].suspectedBy {
			d.numbers(uint64(member))
		}
	}
	d.flush()
	for _, client := range slices.Sorted(maps.Keys(m.clients)) {
		d.session(m.clients[client])
		d.flush()
	}
	for _, name := range slices.Sorted(maps.Keys(m.groups)) {
		d.group(m.groups[name])
		d.flush()
	}
	for _, e := range m.retained.topics.All() {
		d.numbers(e.Index, uint64(e.Time))
		d.text(e.ClientID)
		d.message(e.Message)
		d.body(e.body)
		d.flush()
	}
	m.Bans(func(b *BanEntry) { bans = append(bans, b) })
	slices.SortFunc(bans, func(a, b *BanEntry) int { return cmp.Compare(a.Index, b.Index) })
	for _, b := range bans {
		d.numbers(b.Index, uint64(b.Node), uint64(b.Until), uint64(b.Kind))
		d.text(b.Value)
		d.text(b.Reason)
	}
	d.flush()
	var sum [sha256.Size]byte
	d.hash.Sum(sum[:0])
	return sum
}

// stateDigest gathers fields. Each says by itself where it ends, and each list how long it is.
type stateDigest struct {
	hash   hash.Hash
	buffer []byte
}

func (d *stateDigest) flush() {
	d.hash.Write(d.buffer)
	d.buffer = d.buffer[:0]
}

func (d *stateDigest) numbers(fields ...uint64) {
	for _, n := range fields {
		d.buffer = binary.BigEndian.AppendUint64(d.buffer, n)
	}
}

func (d *stateDigest) bits(fields ...bool) {
	for _, b := range fields {
		d.buffer = append(d.buffer, bit(b, 1))
	}
}

func (d *stateDigest) text(s string) { d.buffer = appendString(d.buffer, s) }

// message adds a message behind its length; nil is none.
func (d *stateDigest) message(m *Message) {
	var encoded []byte
	if m != nil {
		encoded = m.append(nil)
	}
	d.text(string(encoded))
}

// body adds which of the bodies it is; its message stands elsewhere.
func (d *stateDigest) body(b *body) {
	if b == nil {
		d.numbers(0)
		return
	}
	d.numbers(b.id)
}

func (d *stateDigest) conn(c Conn) { d.numbers(uint64(c.Node), c.Incarnation, c.Number) }

func (d *stateDigest) session(s *session) {
	d.text(s.client)
	d.conn(s.conn)
	d.bits(s.connected, s.lasting)
	d.numbers(s.epoch, uint64(s.expiry), uint64(s.willDelay), uint64(s.willAt.at), uint64(s.endAt.at))
	d.message(s.will)
	d.numbers(uint64(len(s.subscriptions)))
	for _, filter := range slices.Sorted(maps.Keys(s.subscriptions)) {
		d.text(filter)
		d.subscription(s.subscriptions[filter].subscription)
	}
	ids := s.waiting()
	d.numbers(uint64(len(ids)))
	for _, id := range ids {
		d.numbers(uint64(id))
	}
	d.queue(&s.queue)
}

func (d *stateDigest) subscription(s subscription) {
	d.numbers(uint64(s.id), uint64(s.qos))
	d.bits(s.noLocal, s.retainAsPublished)
}

func (d *stateDigest) queue(q *queue) {
	d.numbers(q.next, q.offered, uint64(q.live))
	for _, s := range q.slots {
		if p := s.pending; p != nil {
			d.numbers(p.Number, uint64(p.Time), uint64(p.QoS), uint64(len(p.IDs)))
			for _, id := range p.IDs {
				d.numbers(uint64(id))
			}
			d.bits(p.Retain, p.received, p.replayed)
			d.text(p.group)
			d.message(p.Message)
			d.body(p.body)
		}
	}
}

func (d *stateDigest) group(g *group) {
	d.text(g.name)
	d.numbers(uint64(g.turn), uint64(len(g.members)))
	for _, to := range g.members {
		d.text(to.session.client)
		d.subscription(to.subscription)
	}
}
