package node

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/foxmq/foxmq/internal/event"
)

// What a node that is lost asks a peer for, and the answer; docs/wire.md describes them.

// errAnswer says that an answer, or a question, is malformed.
var errAnswer = errors.New("malformed")

// The first byte of a request says what is asked for.
const (
	askCheckpoint = 1 // a fetchRequest
	askLog        = 2 // a logRequest
)

// request is a question in its encoding.
type request interface{ append(dst []byte) []byte }

// fetchRequest asks for an offer of a checkpoint, or for the records of the one that was offered.
type fetchRequest struct {
	digest [sha256.Size]byte // of the position that was offered; zero: an offer is asked for
	round  uint64            // the offer is to be of this round or a later one
	after  []byte            // only the records behind that key; empty: all
}

func (r *fetchRequest) append(dst []byte) []byte {
	dst = append(dst, askCheckpoint)
	dst = append(dst, r.digest[:]...)
	dst = binary.BigEndian.AppendUint64(dst, r.round)
	return append(dst, r.after...)
}

func decodeFetchRequest(b []byte) (*fetchRequest, error) {
	const fixed = 1 + sha256.Size + 8
	if len(b) < fixed || b[0] != askCheckpoint {
		return nil, errAnswer
	}
	r := &fetchRequest{round: binary.BigEndian.Uint64(b[1+sha256.Size:]), after: b[fixed:]}
	copy(r.digest[:], b[1:])
	return r, nil
}

// logRequest asks for the events of the peer's log that were born in that round or later.
type logRequest struct{ birth uint64 }

func (r *logRequest) append(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(append(dst, askLog), r.birth)
}

func decodeLogRequest(b []byte) (*logRequest, error) {
	if len(b) != 1+8 || b[0] != askLog {
		return nil, errAnswer
	}
	return &logRequest{birth: binary.BigEndian.Uint64(b[1:])}, nil
}

// offer says what checkpoint a peer has.
type offer struct {
	meta    []byte
	records uint64       // how many there are in all
	votes   []event.Vote // the certificate
	base    []byte
}

// Bounds on the parts of an answer, in bytes.
const (
	maxMeta   = 64 << 10
	maxVotes  = 256 << 10
	maxBase   = 1 << 30
	maxRecord = 64 << 20 // of a key or a value
	maxEvent  = 18 << 20 // of an event; those with the largest payload and the most parents are smaller
)

func (o *offer) append(dst []byte) []byte {
	dst = appendBlock(dst, o.meta)
	dst = binary.AppendUvarint(dst, o.records)
	dst = appendBlock(dst, (&event.Message{Votes: o.votes}).Append(nil))
	return appendBlock(dst, o.base)
}

func appendBlock(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func readOffer(r *bufio.Reader, domain event.Domain) (*offer, error) {
	o := &offer{}
	var err error
	if o.meta, err = readBlock(r, maxMeta); err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	if o.records, err = binary.ReadUvarint(r); err != nil {
		return nil, fmt.Errorf("number of records: %w", err)
	}
	votes, err := readBlock(r, maxVotes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	m, err := event.DecodeMessage(votes, domain)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	o.votes = m.Votes
	if o.base, err = readBlock(r, maxBase); err != nil {
		return nil, fmt.Errorf("consensus snapshot: %w", err)
	}
	return o, nil
}

// trusted is how much is set aside on a mere claim of a length, in bytes.
const trusted = 1 << 20

// readBlock reads a length and that many bytes.
func readBlock(r *bufio.Reader, limit int) ([]byte, error) {
	length, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if length > uint64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", errAnswer, length, limit)
	}
	b := make([]byte, min(int(length), trusted))
	for have := 0; ; {
		n, err := io.ReadFull(r, b[have:])
		if err != nil {
			return nil, err
		}
		if have += n; have == int(length) {
			return b, nil
		}
		grown := make([]byte, min(int(length), 2*have))
		copy(grown, b)
		b = grown
	}
}
