package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
)

// keyPrefix is how much of a key stands in the tree as it is. bbolt takes no key above 32,768 bytes, and its inner
// pages repeat keys, so that long ones would make them thin; a key of ours holds a client id and a topic filter of up
// to 65,535 bytes each.
const keyPrefix = 1024

// storedKey returns the key under which a record stands in the tree: the key itself, or of a long one the first
// keyPrefix bytes and the SHA-256 of the whole. The lengths keep the two kinds apart.
func storedKey(key []byte) []byte {
	if len(key) <= keyPrefix {
		return key
	}
	sum := sha256.Sum256(key)
	return append(append(make([]byte, 0, keyPrefix+len(sum)), key[:keyPrefix]...), sum[:]...)
}

// storedSize returns the size of what appendStored appends.
func storedSize(key, value []byte) int {
	if len(key) <= keyPrefix {
		return 4 + len(value)
	}
	return 4 + binary.MaxVarintLen32 + len(key) + len(value)
}

// appendStored appends the value under which a record stands in the tree: a CRC-32C over the stored key and all that
// follows, for a long key the key's length and the key, and the value.
func appendStored(b, key, value []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	if len(key) > keyPrefix {
		b = binary.AppendUvarint(b, uint64(len(key)))
		b = append(b, key...)
	}
	b = append(b, value...)
	binary.BigEndian.PutUint32(b[start:], recordChecksum(storedKey(key), b[start+4:]))
	return b
}

// splitStored returns the record that stands in the tree under a stored key; ok says whether it is as it was written.
// The slices are parts of what was handed in. Of a record that is not well, the key is returned if it is known.
func splitStored(stored, b []byte) (key, value []byte, ok bool) {
	if len(b) < 4 {
		return shortKey(stored), nil, false
	}
	ok = binary.BigEndian.Uint32(b) == recordChecksum(stored, b[4:])
	value = b[4:]
	if len(stored) <= keyPrefix {
		return stored, value, ok
	}
	size, n := binary.Uvarint(value)
	if n <= 0 || size > uint64(len(value)-n) {
		return nil, nil, false
	}
	key, value = value[n:n+int(size)], value[n+int(size):]
	if !ok && !bytes.Equal(storedKey(key), stored) {
		return nil, nil, false
	}
	return key, value, ok
}

// shortKey returns the key of which a stored key is all, nil for a long one.
func shortKey(stored []byte) []byte {
	if len(stored) > keyPrefix {
		return nil
	}
	return stored
}

func recordChecksum(stored, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum(stored, castagnoli), castagnoli, rest)
}

// header says what the state file as a whole is: the state after the checkpoint that Meta describes, from which the
// log leads on at Segment. In an import that is not finished, Segment is 0 and Meta is its identity.
type header struct {
	Segment uint64
	Records uint64 // how many there are, so that a page of them that is lost is missed
	Meta    []byte
}

func (h header) encode() []byte {
	b := make([]byte, 4, 20+len(h.Meta))
	b = binary.BigEndian.AppendUint64(b, h.Segment)
	b = binary.BigEndian.AppendUint64(b, h.Records)
	b = append(b, h.Meta...)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

// decodeHeader copies what it keeps.
func decodeHeader(b []byte) (header, bool) {
	if len(b) < 20 || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) {
		return header{}, false
	}
	return header{
		Segment: binary.BigEndian.Uint64(b[4:]),
		Records: binary.BigEndian.Uint64(b[12:]),
		Meta:    bytes.Clone(b[20:]),
	}, true
}
