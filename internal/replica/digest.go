package replica

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
)

// Digest returns a SHA-256 over the state in a canonical form: equal on two machines iff their states are. It
// reads the whole state.
func (m *Machine) Digest() [sha256.Size]byte {
	b := binary.BigEndian.AppendUint64(nil, m.index)
	b = binary.BigEndian.AppendUint64(b, uint64(m.time))
	for i := range m.nodes {
		b = binary.BigEndian.AppendUint64(b, m.nodes[i].incarnation)
		b = binary.BigEndian.AppendUint64(b, m.nodes[i].next)
	}
	h := sha256.New()
	h.Write(b)
	for _, client := range slices.Sorted(maps.Keys(m.clients)) {
		c := m.clients[client]
		b = binary.BigEndian.AppendUint64(b[:0], uint64(c.conn.Node))
		b = binary.BigEndian.AppendUint64(b, c.conn.Incarnation)
		h.Write((&Connect{Connection: c.conn.Number, ClientID: client, Will: c.will}).sized(b))
	}
	for _, e := range m.retained.topics.All() {
		b = binary.BigEndian.AppendUint64(b[:0], e.Index)
		b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
		b = appendString(b, e.ClientID)
		h.Write((&Publish{Message: *e.Message}).sized(b))
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

// sized appends the command's encoding behind its length, so that it ends where it ends.
func (c *Connect) sized(dst []byte) []byte { return appendString(dst, string(c.Append(nil))) }

func (p *Publish) sized(dst []byte) []byte { return appendString(dst, string(p.Append(nil))) }
