package event

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
)

// halfOrder is half of the P-256 group order: s must not exceed it. Of the two valid values s and order−s one
// is thereby ruled out, and nobody without the key can make a second signature from a first.
var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

// Sign signs the sealed event with its creator's key.
func (e *Event) Sign(key *ecdsa.PrivateKey) (err error) {
	e.Signature, err = sign(key, e.id)
	return err
}

// Verify reports whether the signature is one of the event's creator, whose key it is given, in low-s form.
func (e *Event) Verify(key *ecdsa.PublicKey) bool { return e.Signature.verify(key, e.id) }

// sign signs a hash, in low-s form.
func sign(key *ecdsa.PrivateKey, hash [sha256.Size]byte) (sig Signature, err error) {
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		return sig, fmt.Errorf("sign: %w", err)
	}
	if s.Cmp(halfOrder) > 0 {
		s.Sub(elliptic.P256().Params().N, s)
	}
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig, nil
}

// verify reports whether the signature is one of the hash by the key, in low-s form.
func (sig *Signature) verify(key *ecdsa.PublicKey, hash [sha256.Size]byte) bool {
	r := new(big.Int).SetBytes(sig[:32])
	s := new(big.Int).SetBytes(sig[32:])
	if s.Cmp(halfOrder) > 0 {
		return false
	}
	return ecdsa.Verify(key, hash[:], r, s)
}
