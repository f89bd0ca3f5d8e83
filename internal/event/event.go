// Package event holds the signed event, the vertex of the hashgraph: its fields, its one canonical encoding,
// its identity and its signature; and the messages in which peers hand events to each other.
//
// An event's identity is a hash over its canonical encoding and its cluster's domain. The signature is not part
// of it: ECDSA signatures are random, so two nodes may hold different valid signatures of one event, and nothing
// that consensus computes may depend on them.
package event

import (
	"crypto/sha256"
	"encoding/hex"
)

// MaxMembers bounds the members of a cluster, and with them an event's parents.
const MaxMembers = 256

// MaxPayload bounds an event's payload in bytes.
const MaxPayload = 17 << 20

// Domain separates the events of one cluster from those of every other: the SHA-256 of its address book.
// An event signed under one address book never verifies under another, so a member cannot replay what the
// same keys signed in an earlier cluster.
type Domain [sha256.Size]byte

// ID names an event: SHA-256 over the domain and the canonical encoding. The zero ID names none.
type ID [sha256.Size]byte

// String returns the first eight bytes in hex, enough for a log line.
func (id ID) String() string { return hex.EncodeToString(id[:8]) }

// Signature is an ECDSA P-256 signature over an ID: r and s, 32 bytes each, big-endian, s in the lower half.
type Signature [64]byte

// Parent is what an event claims about a parent. The claim is hashed with the event; a link exists only if the
// real parent matches all of it, which consensus decides, not the decoder.
type Parent struct {
	Creator    int    // index in the address book
	Seq        uint64 // the parent's sequence number
	BirthRound uint64 // the parent's birth round
	ID         ID
}

// Event is one vertex. It is immutable once sealed or decoded, and then safe for concurrent use.
type Event struct {
	Creator    int      // index of the creator in the address book
	Seq        uint64   // 1 for a creator's first event, then one more each
	BirthRound uint64   // the creator's pending round at creation, 1 at the start; never below a parent's
	Parents    []Parent // the self-parent first (absent iff Seq is 1), then at most one per other creator, by ascending creator
	Time       int64    // when the newest parent or payload was learned, by the creator's clock, ns since 1970
	Coin       byte     // the creator's contribution to coin rounds; bit 0 counts
	Payload    []byte   // transactions, each a uvarint length and that many bytes
	Signature  Signature

	id     ID
	txs    int
	digest [sha256.Size]byte // of the payload, so that writing an event again does not hash it again
}

// ID returns the event's identity. The event must be sealed or decoded.
func (e *Event) ID() ID { return e.id }

// SelfParent returns the claimed self-parent, or nil for a creator's first event.
func (e *Event) SelfParent() *Parent {
	if e.Seq == 1 {
		return nil
	}
	return &e.Parents[0]
}

// OtherParents returns the claimed parents by other creators.
func (e *Event) OtherParents() []Parent {
	if e.Seq == 1 {
		return e.Parents
	}
	return e.Parents[1:]
}

// Transactions returns the number of transactions in the payload.
func (e *Event) Transactions() int { return e.txs }
