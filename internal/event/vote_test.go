package event

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAVoteIsSignedByOneKeyForOneStateOfOneCluster(t *testing.T) {
	key, other := newKey(t), newKey(t)
	v := Vote{Creator: 2, Round: 64, Digest: [32]byte{1, 31: 2}}
	for range 20 { // about half of all signatures have to be brought into low-s form
		if err := v.Sign(key, domain); err != nil {
			t.Fatal(err)
		}
		if !v.Verify(&key.PublicKey, domain) {
			t.Fatal("a signature does not verify")
		}
	}
	if v.Verify(&other.PublicKey, domain) {
		t.Error("another member's key verifies")
	}
	if v.Verify(&key.PublicKey, Domain{9}) {
		t.Error("the domain is not signed")
	}
	for what, change := range map[string]func(*Vote){
		"round":  func(v *Vote) { v.Round++ },
		"digest": func(v *Vote) { v.Digest[31] ^= 1 },
		"low s": func(v *Vote) {
			s := new(big.Int).SetBytes(v.Signature[32:])
			s.Sub(elliptic.P256().Params().N, s).FillBytes(v.Signature[32:])
		},
		"signature": func(v *Vote) { v.Signature = Signature{} },
	} {
		spoiled := v
		change(&spoiled)
		if spoiled.Verify(&key.PublicKey, domain) {
			t.Errorf("verifies with another %s", what)
		}
	}
}

// What is signed is the hash of the bytes that docs/wire.md states, and of nothing that could be an event's.
func TestAVoteSignsWhatIsDocumented(t *testing.T) {
	v := Vote{Creator: 7, Round: 0x0102, Digest: [32]byte{0xdd}}
	signed := append([]byte("foxmq checkpoint vote 1\n"), domain[:]...)
	signed = append(signed, 0, 0, 0, 0, 0, 0, 1, 2, 0xdd)
	signed = append(signed, make([]byte, 31)...)
	if got, want := v.hash(domain), sha256.Sum256(signed); got != want {
		t.Errorf("signs %x, want %x", got, want)
	}
	wire := v.append(nil)
	want, err := hex.DecodeString("078202dd")
	if err != nil || !bytes.HasPrefix(wire, want) || len(wire) != 3+32+64 {
		t.Errorf("encodes to %x", wire)
	}
}

func TestVotesLeaveOtherMessagesAlone(t *testing.T) {
	if got := (&Message{Boot: true, Answer: true}).Append(nil); !bytes.Equal(got, []byte{3, 0, 0, 0}) {
		t.Errorf("a message without votes encodes to %x", got)
	}
	if got := (&Message{Votes: make([]Vote, 1)}).Append(nil); !bytes.Equal(got[:5], []byte{4, 0, 0, 0, 1}) {
		t.Errorf("a message with a vote encodes to %x", got)
	}
}

func TestVotesOutOfBoundsAreRefused(t *testing.T) {
	most := (&Message{Votes: make([]Vote, MaxMessageVotes)}).Append(nil)
	if m, err := DecodeMessage(most, domain); err != nil || len(m.Votes) != MaxMessageVotes {
		t.Errorf("%d votes: %v", MaxMessageVotes, err)
	}
	for what, b := range map[string][]byte{
		"announced, but none":      {4, 0, 0, 0, 0},
		"announced, but no count":  {4, 0, 0, 0},
		"not announced":            {0, 0, 0, 0, 1},
		"too many":                 (&Message{Votes: make([]Vote, MaxMessageVotes+1)}).Append(nil),
		"of a member out of range": (&Message{Votes: []Vote{{Creator: MaxMembers}}}).Append(nil),
		"an unknown flag":          {8, 0, 0, 0},
	} {
		if _, err := DecodeMessage(b, domain); !errors.Is(err, ErrMalformed) {
			t.Errorf("votes %s: %v", what, err)
		}
	}
}
