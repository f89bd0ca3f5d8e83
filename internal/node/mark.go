package node

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/foxmq/foxmq/internal/consensus"
)

// Mark tells streams apart: two nodes with the same index and different hashes have not emitted the same stream, or it
// had different effects there.
type Mark struct {
	Index uint64 `json:"index"` // of the last transaction of an event, 0 before the first
	Hash  string `json:"hash"`  // hex, over the events with transactions up to it, their times and their effects
}

// chain is what a Mark is made of.
type chain struct {
	index uint64
	hash  [sha256.Size]byte
}

// chainSize is the length in bytes of an encoded chain.
const chainSize = 8 + sha256.Size

func (c *chain) mark() Mark { return Mark{Index: c.index, Hash: hex.EncodeToString(c.hash[:])} }

// next returns the chain with one more event, whose last transaction has the index. The event's identity stands for its
// transactions; effects are what they came to, in canonical form.
func (c *chain) next(o *consensus.Ordered, index uint64, effects []byte) *chain {
	id := o.Event.ID()
	h := sha256.New()
	h.Write(c.hash[:])
	h.Write(id[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(o.Time)))
	h.Write(effects)
	next := &chain{index: index}
	h.Sum(next.hash[:0])
	return next
}

func (c *chain) append(dst []byte) []byte {
	return append(binary.BigEndian.AppendUint64(dst, c.index), c.hash[:]...)
}

// decodeChain reads a chain from the start of b, which is long enough.
func decodeChain(b []byte) (c chain) {
	c.index = binary.BigEndian.Uint64(b)
	copy(c.hash[:], b[8:])
	return c
}
