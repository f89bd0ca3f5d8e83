package replica

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/foxmq/foxmq/internal/replica/lthash"
)

// Load makes a machine of records in the order of their keys, as Flush gave them in sum: from then on it does the same as
// the machine that they came from, and its Hash is that one's. It keeps nothing of what it reads.
//
// It fails with ErrMalformed if the records are not as Flush makes them, contradict each other or exceed a limit. So
// they may come from a stranger. That they are all, and the right ones, only Hash tells. Reading them may fail too: then
// the caller ends the sequence, and throws the machine away.
func Load(members int, limits Limits, records iter.Seq2[[]byte, []byte]) (*Machine, error) {
	m := New(members, limits)
	l := loader{machine: m, bodies: map[uint64]*body{}, sessions: map[uint64]*session{}}
	for key, value := range records {
		if err := l.load(key, value); err != nil {
			return nil, fmt.Errorf("load record %.32x: %w", key, err)
		}
	}
	if l.unused > 0 || l.unturned > 0 {
		return nil, fmt.Errorf("load records: %w: %d messages without use, %d groups without record",
			ErrMalformed, l.unused, l.unturned)
	}
	m.changes.reset() // what was loaded counts as flushed
	m.sum = m.hash.Sum()
	return m, nil
}

// loader is a machine in the making.
type loader struct {
	machine  *Machine
	decoder  decoder // of the record in hand
	read     []byte  // its element, as it was read
	element  []byte  // and as it would be written
	last     []byte  // key
	clients  interner
	bodies   map[uint64]*body    // by id
	sessions map[uint64]*session // by epoch
	unused   int                 // bodies with a record that no queue has used so far
	unturned int                 // groups that have not had their own record so far
}

func (l *loader) load(key, value []byte) error {
	d := &l.decoder
	*d = decoder{rest: value, topics: &l.machine.topics}
	if len(key) == 0 || bytes.Compare(key, l.last) <= 0 {
		d.fail("key out of order")
		return d.err
	}
	l.last = append(l.last[:0], key...)
	r := l.record(key[0])
	l.check(len(d.rest) == 0, "bytes behind the record")
	if d.err != nil {
		return d.err
	}
	return l.enter(r, key, value)
}

// check fails if what must hold does not. It reports whether nothing has failed so far.
func (l *loader) check(holds bool, what string) bool {
	if !holds {
		l.decoder.fail(what)
	}
	return l.decoder.err == nil
}

// enter puts a record into the hash. What would be written in another way than it was read is refused, so that a state
// has one form.
func (l *loader) enter(r record, key, value []byte) error {
	l.element = appendElement(l.element[:0], r)
	l.read = binary.AppendUvarint(l.read[:0], uint64(len(key)))
	l.read = append(append(l.read, key...), value...)
	if !l.check(bytes.Equal(l.element, l.read), "not the canonical form") {
		return l.decoder.err
	}
	k := r.tracked()
	k.seed, k.recorded = lthash.SeedOf(l.element), true
	l.machine.hash.Add(&k.seed)
	return nil
}

// record reads the value of a record of that kind. It returns nil only after a failure.
func (l *loader) record(kind byte) record {
	if !l.check(kind == recordMeta || l.machine.index > 0, "no meta record before it") {
		return nil
	}
	switch kind {
	case recordMeta:
		return l.meta()
	case recordMember:
		return l.member()
	case recordBody:
		return l.body()
	case recordRetained:
		return l.retained()
	case recordSession:
		return l.session()
	case recordSubscription:
		return l.subscription()
	case recordPage:
		return l.page()
	case recordQueued:
		return l.queued()
	case recordGroup:
		return l.group()
	case recordBan:
		return l.ban()
	}
	l.decoder.fail("unknown kind")
	return nil
}

// past reads an index of a transaction that there was.
func (l *loader) past() uint64 {
	index := l.decoder.uvarint()
	l.check(index > 0 && index <= l.machine.index, "index")
	return index
}

func (l *loader) time() int64 { return int64(l.decoder.uvarint()) }

func (l *loader) message() *Message {
	m := &Message{}
	l.decoder.message(m)
	return m
}

func (l *loader) meta() record {
	m := &l.machine.meta
	m.index, m.time, m.bodies = l.decoder.uvarint(), l.time(), l.decoder.uvarint()
	l.check(m.index > 0, "index 0")
	return m
}

func (l *loader) member() record {
	place := l.decoder.uvarint()
	if !l.check(place < uint64(len(l.machine.nodes)), "unknown member") {
		return nil
	}
	n := &l.machine.nodes[place]
	n.incarnation, n.next = l.decoder.uvarint(), l.decoder.uvarint()
	l.check(n.incarnation > 0, "incarnation 0")
	for last := -1; l.decoder.err == nil && len(l.decoder.rest) > 0; {
		by := l.node()
		l.check(by > last && by != n.member, "suspected by whom")
		n.suspectedBy = append(n.suspectedBy, by)
		last = by
	}
	return n
}

// bodyID reads the id of a body that was made; 0 is none.
func (l *loader) bodyID() uint64 {
	id := l.decoder.uvarint()
	l.check(id <= l.machine.bodies, "body id")
	return id
}

func (l *loader) body() record {
	b := &body{mark: &mark{}, id: l.bodyID(), time: l.time(), message: l.message()}
	l.check(b.id > 0, "body 0")
	l.bodies[b.id] = b
	l.unused++
	return b
}

func (l *loader) retained() record {
	d, s := &l.decoder, &l.machine.retained
	r := Retained{Index: l.past(), Time: l.time()}
	id := l.bodyID()
	r.ClientID = l.client()
	r.Message = l.message()
	l.check(len(r.Message.Payload) > 0, "empty retained message")
	if d.err != nil || !l.check(s.put(r), "too many retained messages") {
		return nil
	}
	e, _ := s.topics.Get(r.Message.Topic)
	if id > 0 {
		e.body = l.share(id, e)
	}
	return e
}

// client reads a client id. Many records have the same.
func (l *loader) client() string {
	b := l.decoder.block(1<<16 - 1)
	if !l.check(validClientID(b), "client id") {
		return ""
	}
	if s, ok := l.clients.lookup(b); ok {
		return s
	}
	s := string(b)
	l.clients.keep(s)
	return s
}

// share returns the body with that id, which is the retained message's.
func (l *loader) share(id uint64, e *entry) *body {
	b := l.bodies[id]
	if b == nil {
		b = &body{id: id, message: e.Message, time: e.Time}
		l.bodies[id] = b
	}
	same := b.time == e.Time && bytes.Equal(b.message.append(nil), e.Message.append(nil))
	l.check(same, "a body that is another message")
	e.Message = b.message
	return b
}

func (l *loader) group() record {
	turn := l.decoder.uvarint()
	g := l.machine.groups[string(l.decoder.block(1<<16-1))]
	if !l.check(g != nil, "group without members") {
		return nil
	}
	l.check(turn < uint64(len(g.members)), "turn of nobody")
	g.turn = int(turn)
	slices.SortFunc(g.members, func(a, b *holding) int { return cmp.Compare(a.joined, b.joined) })
	for i, h := range g.members[1:] {
		l.check(h.joined > g.members[i].joined, "two members in one place")
	}
	l.unturned--
	return g
}

func (l *loader) ban() record {
	d, m := &l.decoder, l.machine
	e := &BanEntry{Index: l.past(), Node: l.node(), Until: l.time()}
	e.BanTarget, e.Reason = d.banTarget(), d.banReason()
	l.check(len(m.bans.byTarget) < m.limits.Bans, "too many bans")
	if !l.check(m.bans.byTarget[e.BanTarget] == nil, "two bans of one target") {
		return nil
	}
	return m.bans.put(e)
}
