package event

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// usualHead and usualParent are how many bytes of the canonical encoding an event hardly ever exceeds: without its
// parents, and for each of them.
const usualHead, usualParent = 80, 48

// version is the first byte of the canonical encoding.
const version = 1

// ErrMalformed is wrapped by every error of a decoder in this package.
var ErrMalformed = errors.New("malformed event")

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// Seal checks the event's shape, counts its transactions and computes its ID. The creator then signs the ID.
func (e *Event) Seal(domain Domain) error {
	if err := e.check(); err != nil {
		return err
	}
	txs, err := countTransactions(e.Payload)
	if err != nil {
		return err
	}
	e.txs = txs
	e.digest = sha256.Sum256(e.Payload)
	e.id = identity(domain, e.appendHashed(make([]byte, 0, usualHead+usualParent*len(e.Parents))))
	return nil
}

// identity hashes a canonical encoding.
func identity(domain Domain, hashed []byte) ID {
	h := sha256.New()
	h.Write(domain[:])
	h.Write(hashed)
	var id ID
	h.Sum(id[:0])
	return id
}

// appendHashed appends the canonical encoding: all fields but the signature, with the payload's hash in place of
// the payload.
func (e *Event) appendHashed(dst []byte) []byte {
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(e.Creator))
	dst = binary.AppendUvarint(dst, e.Seq)
	dst = binary.AppendUvarint(dst, e.BirthRound)
	dst = binary.AppendUvarint(dst, uint64(len(e.Parents)))
	for i := range e.Parents {
		p := &e.Parents[i]
		dst = binary.AppendUvarint(dst, uint64(p.Creator))
		dst = binary.AppendUvarint(dst, p.Seq)
		dst = binary.AppendUvarint(dst, p.BirthRound)
		dst = append(dst, p.ID[:]...)
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Time))
	dst = append(dst, e.Coin)
	return append(dst, e.digest[:]...)
}

// Append appends the wire form: the canonical encoding, with the signature and the payload itself behind it. The
// event must be sealed or decoded.
func (e *Event) Append(dst []byte) []byte {
	dst = e.appendHashed(dst)
	dst = append(dst, e.Signature[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(e.Payload)))
	return append(dst, e.Payload...)
}

// Size returns how many bytes the wire form has, about.
func (e *Event) Size() int {
	return usualHead + usualParent*len(e.Parents) + len(e.Signature) + len(e.Payload)
}

// Decode reads one event in wire form from the start of b and returns it with the bytes behind it. It checks
// the shape and computes the ID, but verifies no signature. The event keeps references into b.
func Decode(b []byte, domain Domain) (*Event, []byte, error) {
	d := decoder{rest: b}
	e := &Event{}
	if d.byte() != version {
		d.fail("unknown version")
	}
	e.Creator = d.member()
	e.Seq = d.uvarint()
	e.BirthRound = d.uvarint()
	e.Parents = d.parents()
	e.Time = int64(binary.BigEndian.Uint64(d.bytes(8)))
	e.Coin = d.byte()
	copy(e.digest[:], d.bytes(sha256.Size))
	hashed := b[:len(b)-len(d.rest)]
	copy(e.Signature[:], d.bytes(len(e.Signature)))
	e.Payload = d.block(MaxPayload)
	if d.err != nil {
		return nil, nil, d.err
	}
	if sha256.Sum256(e.Payload) != e.digest {
		return nil, nil, malformed("payload does not match its hash")
	}
	if err := e.check(); err != nil {
		return nil, nil, err
	}
	var err error
	if e.txs, err = countTransactions(e.Payload); err != nil {
		return nil, nil, err
	}
	e.id = identity(domain, hashed)
	return e, d.rest, nil
}

// BirthRound returns the birth round of an event in wire form, of which nothing else is looked at.
func BirthRound(b []byte) (uint64, error) {
	d := decoder{rest: b}
	if d.byte() != version {
		d.fail("unknown version")
	}
	d.member()
	d.uvarint()
	round := d.uvarint()
	return round, d.err
}

// check holds everything about an event's shape that can be told without knowing its parents.
func (e *Event) check() error {
	switch {
	case e.Creator < 0 || e.Creator >= MaxMembers:
		return malformed("creator out of range")
	case e.Seq == 0:
		return malformed("sequence number 0")
	case e.BirthRound == 0:
		return malformed("birth round 0")
	case e.Time < 0:
		return malformed("time before 1970")
	case len(e.Payload) > MaxPayload:
		return malformed("payload too long")
	case e.Seq > 1 && len(e.Parents) == 0:
		return malformed("no self-parent")
	}
	for i := range e.Parents {
		p := &e.Parents[i]
		if p.Creator < 0 || p.Creator >= MaxMembers || p.Seq == 0 || p.BirthRound == 0 || p.ID == (ID{}) {
			return malformed("parent out of range")
		}
		if p.BirthRound > e.BirthRound {
			return malformed("birth round below a parent's")
		}
	}
	if sp := e.SelfParent(); sp != nil && (sp.Creator != e.Creator || sp.Seq != e.Seq-1) {
		return malformed("self-parent does not precede the event")
	}
	last := -1
	for _, p := range e.OtherParents() {
		if p.Creator <= last || p.Creator == e.Creator {
			return malformed("other-parents out of order")
		}
		last = p.Creator
	}
	return nil
}

// Payload building and reading.

// AppendTransaction appends one transaction to a payload, which consists of the parts.
func AppendTransaction(payload []byte, parts ...[]byte) []byte {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	payload = binary.AppendUvarint(payload, uint64(size))
	for _, part := range parts {
		payload = append(payload, part...)
	}
	return payload
}

// EachTransaction calls f with each transaction of the payload, in order. The slices refer into the payload.
func (e *Event) EachTransaction(f func(i int, tx []byte)) {
	d := decoder{rest: e.Payload}
	for i := 0; len(d.rest) > 0 && d.err == nil; i++ {
		f(i, d.block(MaxPayload))
	}
}

func countTransactions(payload []byte) (int, error) {
	d := decoder{rest: payload}
	n := 0
	for len(d.rest) > 0 && d.err == nil {
		d.block(MaxPayload)
		n++
	}
	return n, d.err
}

// decoder reads fields from rest; the first error sticks, and reads after it return zero values.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = malformed(what)
	}
}

// zeros is what bytes returns after an error; nobody writes to it.
var zeros [64]byte

// bytes returns the next n ≤ 64 bytes, without copying them.
func (d *decoder) bytes(n int) []byte {
	if d.err != nil || len(d.rest) < n {
		d.fail("truncated")
		return zeros[:n]
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte { return d.bytes(1)[0] }

// uvarint reads an unsigned varint in its shortest form, so that an encoding is canonical.
func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.err != nil || n <= 0 || (n > 1 && d.rest[n-1] == 0) {
		d.fail("bad varint")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads a number of things, at most limit.
func (d *decoder) count(limit int) int {
	v := d.uvarint()
	if v > uint64(limit) {
		d.fail("count over its limit")
		return 0
	}
	return int(v)
}

func (d *decoder) member() int { return d.count(MaxMembers - 1) }

// block reads a length and that many bytes, without copying them.
func (d *decoder) block(limit int) []byte {
	n := d.count(limit)
	if d.err != nil || len(d.rest) < n {
		d.fail("truncated")
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) id() (id ID) {
	copy(id[:], d.bytes(len(id)))
	return id
}

func (d *decoder) parents() []Parent {
	n := d.count(MaxMembers)
	if d.err != nil || n == 0 || n*(len(ID{})+3) > len(d.rest) {
		if n > 0 {
			d.fail("truncated")
		}
		return nil
	}
	parents := make([]Parent, n)
	for i := range parents {
		parents[i] = Parent{Creator: d.member(), Seq: d.uvarint(), BirthRound: d.uvarint(), ID: d.id()}
	}
	return parents
}
