package replica

import (
	"maps"
	"math/bits"
	"slices"
)

// page holds those of 256 packet identifiers of a session that wait for PUBREL.
type page struct {
	mark
	session *session
	number  byte      // they are those from 256 times that on
	ids     [4]uint64 // a bit each
}

// bit returns where the packet identifier's bit is in its page.
func (p *page) bit(id uint16) (word *uint64, mask uint64) {
	return &p.ids[id>>6&3], 1 << (id & 63)
}

func (s *session) holds(id uint16) bool {
	p := s.unreleased[byte(id>>8)]
	if p == nil {
		return false
	}
	word, mask := p.bit(id)
	return *word&mask != 0
}

// hold notes a packet identifier until its PUBREL.
func (m *Machine) hold(s *session, id uint16) {
	number := byte(id >> 8)
	p := s.unreleased[number]
	if p == nil {
		if s.unreleased == nil {
			s.unreleased = map[byte]*page{}
		}
		p = &page{session: s, number: number}
		s.unreleased[number] = p
	}
	word, mask := p.bit(id)
	*word |= mask
	m.changes.revive(p)
}

func (m *Machine) release(s *session, id uint16) Outcome {
	if !s.holds(id) {
		return Unknown
	}
	p := s.unreleased[byte(id>>8)]
	word, mask := p.bit(id)
	*word &^= mask
	m.changes.touch(p)
	p.gone = p.ids == [4]uint64{} // an empty page stays at hand until the next Flush
	return Applied
}

// waiting lists the packet identifiers that wait for PUBREL, ascending.
func (s *session) waiting() (ids []uint16) {
	for _, number := range slices.Sorted(maps.Keys(s.unreleased)) {
		for i, word := range s.unreleased[number].ids {
			for ; word != 0; word &= word - 1 {
				ids = append(ids, uint16(number)<<8|uint16(i)<<6|uint16(bits.TrailingZeros64(word)))
			}
		}
	}
	return ids
}
