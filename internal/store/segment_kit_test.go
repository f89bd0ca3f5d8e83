package store

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// otherVersion returns the header of a segment as a later version could write it.
func otherVersion(segment []byte) []byte {
	head := slices.Clone(segment[:headerSize])
	binary.BigEndian.PutUint32(head[8:], segmentVersion+1)
	binary.BigEndian.PutUint32(head[headerSize-4:], crc32.Checksum(head[:headerSize-4], castagnoli))
	return head
}
