package replica

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/foxmq/foxmq/internal/replica/lthash"
)

// record is a part of the state that is written, and counts in the hash, by itself. Its value says all of it; its key
// follows from the value. See records.go for the kinds.
type record interface {
	tracked() *mark
	appendKey(dst []byte) []byte
	appendValue(dst []byte) []byte
}

// mark is what the machine keeps of a record beside its content.
type mark struct {
	seed     lthash.Seed // of the record as it is in the hash; only if recorded
	place    int32       // 1 + its place in changes; 0: it is not there
	recorded bool        // Flush has given it out, or Load has read it
	gone     bool        // there is no more of what it says
}

func (k *mark) tracked() *mark { return k }

// changes are the records that changed since the last Flush, each once. Of what came and went since then nothing stays.
type changes []record

// touch notes that a record has changed, or is new.
func (c *changes) touch(r record) {
	if k := r.tracked(); k.place == 0 && !k.gone {
		*c = append(*c, r)
		k.place = int32(len(*c))
	}
}

// drop notes that a record is gone.
func (c *changes) drop(r record) {
	k := r.tracked()
	switch {
	case k.recorded:
		c.touch(r)
	case k.place > 0:
		c.forget(k)
	}
	k.gone = true
}

// revive notes that a record that may have been gone is there.
func (c *changes) revive(r record) {
	r.tracked().gone = false
	c.touch(r)
}

// forget puts the last one into the record's place.
func (c *changes) forget(k *mark) {
	last := len(*c) - 1
	moved := (*c)[last]
	(*c)[k.place-1] = moved
	moved.tracked().place = k.place
	(*c)[last] = nil
	*c = (*c)[:last]
	k.place = 0
}

// reset forgets all changes.
func (c *changes) reset() {
	for _, r := range *c {
		r.tracked().place = 0
	}
	*c = nil
}

// Flush calls f with each record that changed since the last Flush, in the order of the keys, and brings Hash up to
// date. A nil value says that the record is gone. Key and value are never written to again: f may keep them. f must not
// call the machine.
//
// What changes between two calls is kept in mind until the second, a pointer for each record and the record itself: so
// whoever applies transactions flushes now and then.
func (m *Machine) Flush(f func(key, value []byte)) {
	m.gather()
	list := make([]change, 0, len(m.changes))
	for _, r := range m.changes {
		if k := r.tracked(); k.recorded || !k.gone {
			list = append(list, m.encode(r))
		}
	}
	m.changes.reset()
	slices.SortFunc(list, change.compare)
	for i := range list {
		c := &list[i]
		if i+1 < len(list) && bytes.Equal(c.key, list[i+1].key) {
			list[i+1].succeed(c.mark)
		} else if m.rehash(c) {
			f(c.key, c.value)
		}
	}
	m.sum = m.hash.Sum()
}

// Hash returns the hash of the state as of the last Flush. Equal states have equal hashes, whatever way they came about.
func (m *Machine) Hash() [sha256.Size]byte { return m.sum }

// gather adds to the changes what is not noted when it happens, because it happens with every transaction or is often
// undone before the next Flush.
func (m *Machine) gather() {
	if m.index > 0 {
		m.changes.touch(&m.meta)
	}
	for i := range m.nodes {
		if m.nodes[i].incarnation > 0 {
			m.changes.touch(&m.nodes[i])
		}
	}
	for i := 0; i < len(m.changes); i++ {
		switch r := m.changes[i].(type) {
		case *session:
			m.gatherQueue(r)
		case *page:
			if r.gone {
				delete(r.session.unreleased, r.number)
			}
		}
	}
}

// gatherQueue adds what has come into a session's queue since the last Flush, and is still there, to the changes.
func (m *Machine) gatherQueue(s *session) {
	q := &s.queue
	for i := len(q.slots) - 1; i >= 0 && q.slots[i].number >= q.recorded; i-- {
		p := q.slots[i].pending
		if p == nil {
			continue
		}
		p.record = &queued{session: s, pending: p}
		m.changes.touch(p.record)
		if p.body.mark == nil {
			p.body.mark = &mark{}
			m.changes.touch(p.body)
		}
	}
	q.recorded = q.next
}

// change is a changed record.
type change struct {
	*mark
	element    []byte // what counts in the hash: key and value, behind the key's length
	key, value []byte // parts of element; the value is nil if the record is gone
}

func (m *Machine) encode(r record) change {
	c := change{mark: r.tracked()}
	m.scratch = appendElement(m.scratch[:0], r)
	c.element = bytes.Clone(m.scratch)
	length, n := binary.Uvarint(c.element)
	end := n + int(length)
	c.key = c.element[n:end:end]
	if !c.gone {
		c.value = c.element[end:]
	}
	return c
}

func appendElement(dst []byte, r record) []byte {
	var key [maxKey]byte
	k := r.appendKey(key[:0])
	dst = binary.AppendUvarint(dst, uint64(len(k)))
	dst = append(dst, k...)
	return r.appendValue(dst)
}

// Seed returns what stands for a record in the hash of a state.
func Seed(key, value []byte) lthash.Seed {
	element := make([]byte, 0, binary.MaxVarintLen64+len(key)+len(value))
	element = append(binary.AppendUvarint(element, uint64(len(key))), key...)
	return lthash.SeedOf(append(element, value...))
}

// compare orders changes by their keys. If one record is gone and another has come in its place, that comes last.
func (c change) compare(other change) int {
	return cmp.Or(bytes.Compare(c.key, other.key), one(other.gone)-one(c.gone))
}

// succeed makes the record the successor of one that is gone and had the same key.
func (k *mark) succeed(old *mark) {
	k.seed, k.recorded = old.seed, true
	old.recorded = false
}

// rehash brings the hash up to date, and reports whether the record is not as it was.
func (m *Machine) rehash(c *change) bool {
	old := c.seed
	if !c.gone {
		c.seed = lthash.SeedOf(c.element)
	}
	if c.recorded && !c.gone && c.seed == old {
		return false
	}
	if c.recorded {
		m.hash.Remove(&old)
	}
	if c.recorded = !c.gone; c.recorded {
		m.hash.Add(&c.seed)
	}
	return true
}
