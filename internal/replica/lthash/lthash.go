// Package lthash is a hash over a set of elements that follows the set: an element is added or removed in time that
// does not depend on how many there are, and equal sets have equal hashes, whatever way they came about. It is LtHash
// with 1,024 lanes of 16 bits: each element is stretched to as many lanes, and the hash is their sum. To find two sets
// with one hash is as hard as to find short vectors in a lattice; 1,024 lanes are given more than 200 bits of security.
//
// An element's lanes are the key stream of AES-256 in counter mode, from a zero counter block, under the element's
// SHA-256 as the key: with AES in hardware several times faster than an extensible hash function.
//
// Concurrency: a Hash belongs to one goroutine.
package lthash

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
)

const (
	lanes = 1024
	size  = 2 * lanes // bytes
)

// Seed stands for an element: whoever keeps it can remove the element.
type Seed [sha256.Size]byte

// SeedOf returns the element's seed. The caller sees to it that different elements have different encodings.
func SeedOf(element []byte) Seed { return sha256.Sum256(element) }

// Hash is the hash of a set that changes. Its zero value is that of the empty set.
type Hash struct {
	words  [size / 8]uint64 // four lanes each
	stream [size]byte       // of the element in hand
}

// tops are the highest bits of a word's lanes. They are added without a carry, which would reach the next lane.
const tops = 0x8000_8000_8000_8000

// Add adds an element, which must not be in the set.
func (h *Hash) Add(s *Seed) {
	h.stretch(s)
	for i := range h.words {
		a, b := h.words[i], binary.LittleEndian.Uint64(h.stream[8*i:])
		h.words[i] = (a&^tops + b&^tops) ^ (a^b)&tops
	}
}

// Remove removes an element of the set.
func (h *Hash) Remove(s *Seed) {
	h.stretch(s)
	for i := range h.words {
		a, b := h.words[i], binary.LittleEndian.Uint64(h.stream[8*i:])
		h.words[i] = (a | tops - b&^tops) ^ (a^^b)&tops
	}
}

// stretch writes the element's lanes into stream.
func (h *Hash) stretch(s *Seed) {
	block, err := aes.NewCipher(s[:])
	if err != nil {
		panic(err) // only for a key of another length
	}
	clear(h.stream[:])
	var zero [aes.BlockSize]byte
	cipher.NewCTR(block, zero[:]).XORKeyStream(h.stream[:], h.stream[:])
}

// Sum returns the hash in short: the SHA-256 of the lanes, each with its low byte first.
func (h *Hash) Sum() [sha256.Size]byte {
	for i, word := range h.words {
		binary.LittleEndian.PutUint64(h.stream[8*i:], word)
	}
	return sha256.Sum256(h.stream[:])
}
