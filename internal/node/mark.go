package node

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/foxmq/foxmq/internal/consensus"
)

// Mark tells streams apart: two nodes with the same index and different hashes have not emitted the same stream.
type Mark struct {
	Index uint64 `json:"index"` // of the last transaction of an event, 0 before the first
	Hash  string `json:"hash"`  // hex, over the events with transactions up to it and their times
}

// chain is what a Mark is made of.
type chain struct {
	index uint64
	hash  [sha256.Size]byte
}

func (c *chain) mark() Mark { return Mark{Index: c.index, Hash: hex.EncodeToString(c.hash[:])} }

// next returns the chain with one more event, whose last transaction has the index. The event's identity stands for its
// transactions.
func (c chain) next(o *consensus.Ordered, index uint64) *chain {
	id := o.Event.ID()
	b := append(c.hash[:], id[:]...)
	return &chain{index: index, hash: sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(o.Time)))}
}
