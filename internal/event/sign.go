package event

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"math/big"
)

// halfOrder is half of the P-256 group order: s must not exceed it. Of the two valid values s and order−s one
// is thereby ruled out, and nobody without the key can make a second signature from a first.
var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

// Sign signs the sealed event with its creator's key.
func (e *Event) Sign(key *ecdsa.PrivateKey) error {
	r, s, err := ecdsa.Sign(rand.Reader, key, e.id[:])
	if err != nil {
		return fmt.Errorf("sign event: %w", err)
	}
	if s.Cmp(halfOrder) > 0 {
		s.Sub(elliptic.P256().Params().N, s)
	}
	r.FillBytes(e.Signature[:32])
	s.FillBytes(e.Signature[32:])
	return nil
}

// Verify reports whether the signature is one of the event's creator, whose key it is given, in low-s form.
func (e *Event) Verify(key *ecdsa.PublicKey) bool {
	r := new(big.Int).SetBytes(e.Signature[:32])
	s := new(big.Int).SetBytes(e.Signature[32:])
	if s.Cmp(halfOrder) > 0 {
		return false
	}
	return ecdsa.Verify(key, e.id[:], r, s)
}
