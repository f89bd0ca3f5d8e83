package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Version is the version of the hello and of the messages behind it. It changes whenever a node of the one would
// misunderstand a node of the other.
const Version = 2

// helloSize is the length of a hello's body in bytes.
const helloSize = 1 + 2 + 32 + 8 + 8

// hello is what each side says first on a connection. The dialler speaks first; the answer repeats the dialler's
// generation.
type hello struct {
	version    byte
	member     uint16   // the sender's index in its address book
	book       [32]byte // the hash of that address book
	instance   uint64   // drawn at random at the sender's start
	generation uint64   // one more than that of any connection that the dialler has had with this peer
}

func (h *hello) append(dst []byte) []byte {
	dst = append(dst, h.version)
	dst = binary.BigEndian.AppendUint16(dst, h.member)
	dst = append(dst, h.book[:]...)
	dst = binary.BigEndian.AppendUint64(dst, h.instance)
	return binary.BigEndian.AppendUint64(dst, h.generation)
}

// decodeHello reads a hello. Of another version nothing but that version is read.
func decodeHello(b []byte) (hello, error) {
	switch {
	case len(b) == 0:
		return hello{}, errors.New("empty hello")
	case b[0] != Version:
		return hello{version: b[0]}, nil
	case len(b) != helloSize:
		return hello{}, fmt.Errorf("hello of %d bytes", len(b))
	}
	return hello{
		version:    b[0],
		member:     binary.BigEndian.Uint16(b[1:]),
		book:       [32]byte(b[3:]),
		instance:   binary.BigEndian.Uint64(b[35:]),
		generation: binary.BigEndian.Uint64(b[43:]),
	}, nil
}
