package event

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
)

// Vote says that its creator reached the state with this digest at the end of a round. Enough equal votes certify
// the state for a node that has to fetch it.
type Vote struct {
	Creator   int // index in the address book
	Round     uint64
	Digest    [sha256.Size]byte
	Signature Signature
}

// votePrefix begins what a vote signs. An event's ID hashes something that begins with the domain, itself a hash, of
// which nobody can make one that begins with these 24 bytes: so no vote's signature passes for an event's.
const votePrefix = "foxmq checkpoint vote 1\n"

// Sign signs the vote with its creator's key.
func (v *Vote) Sign(key *ecdsa.PrivateKey, domain Domain) (err error) {
	v.Signature, err = sign(key, v.hash(domain))
	return err
}

// Verify reports whether the signature is one of the vote's creator, whose key it is given, in low-s form.
func (v *Vote) Verify(key *ecdsa.PublicKey, domain Domain) bool {
	return v.Signature.verify(key, v.hash(domain))
}

// hash returns what is signed. It holds no creator: the key stands for it.
func (v *Vote) hash(domain Domain) [sha256.Size]byte {
	b := make([]byte, 0, len(votePrefix)+len(domain)+8+len(v.Digest))
	b = append(b, votePrefix...)
	b = append(b, domain[:]...)
	b = binary.BigEndian.AppendUint64(b, v.Round)
	b = append(b, v.Digest[:]...)
	return sha256.Sum256(b)
}

// append appends the wire form.
func (v *Vote) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(v.Creator))
	dst = binary.AppendUvarint(dst, v.Round)
	dst = append(dst, v.Digest[:]...)
	return append(dst, v.Signature[:]...)
}

func (d *decoder) vote() (v Vote) {
	v.Creator = d.member()
	v.Round = d.uvarint()
	copy(v.Digest[:], d.bytes(len(v.Digest)))
	copy(v.Signature[:], d.bytes(len(v.Signature)))
	return v
}

// votes reads the votes of a message that says that it has some.
func (d *decoder) votes() []Vote {
	n := d.count(MaxMessageVotes)
	if n == 0 {
		d.fail("votes announced, but none")
	}
	var votes []Vote
	for ; n > 0 && d.err == nil; n-- {
		votes = append(votes, d.vote())
	}
	return votes
}
