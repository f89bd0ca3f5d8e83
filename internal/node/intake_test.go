package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"

	"github.com/foxmq/foxmq/internal/event"
)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signedEvent(t testing.TB, key *ecdsa.PrivateKey, creator int) *event.Event {
	t.Helper()
	e := &event.Event{Creator: creator, Seq: 1, BirthRound: 1}
	if err := e.Seal(event.Domain{}); err != nil {
		t.Fatal(err)
	}
	if err := e.Sign(key); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestIntakeLetsOnlySignedEventsPass(t *testing.T) {
	a, b := newKey(t), newKey(t)
	in := &intake{keys: []*ecdsa.PublicKey{&a.PublicKey, &b.PublicKey}}
	good := signedEvent(t, a, 0)
	forged := *good
	forged.Signature[5]++
	foreign := signedEvent(t, a, 1)
	stranger := signedEvent(t, a, 2)

	// A forged signature that comes first does not stand in the real one's way, and after the real one a forged
	// one still does not pass. What passed once passes again.
	got := in.verified([]*event.Event{&forged, good, foreign, &forged, stranger, good})
	if len(got) != 2 || got[0] != good || got[1] != good {
		t.Errorf("passed: %v", got)
	}
	if bad := in.bad.Load(); bad != 4 {
		t.Errorf("counted %d bad signatures, want 4", bad)
	}
}

// Nodes may hold different signatures of one event: each passes by itself. The second form of a signature, which
// anybody can make of the first, does not.
func TestIntakeTakesEverySignatureButHighS(t *testing.T) {
	key := newKey(t)
	in := &intake{keys: []*ecdsa.PublicKey{&key.PublicKey}}
	first := signedEvent(t, key, 0)
	second := *first
	if err := second.Sign(key); err != nil {
		t.Fatal(err)
	}
	if first.Signature == second.Signature {
		t.Fatal("two signatures are the same")
	}
	high := *first
	s := new(big.Int).SetBytes(high.Signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(high.Signature[32:])
	if r := new(big.Int).SetBytes(high.Signature[:32]); !ecdsa.Verify(&key.PublicKey, idBytes(&high), r, s) {
		t.Fatal("the second form is no signature at all")
	}
	want := []*event.Event{first, &second}
	if got := in.verified([]*event.Event{&high, first, &high, &second}); !slices.Equal(got, want) {
		t.Errorf("%d events passed, want the two of low s", len(got))
	}
}

func idBytes(e *event.Event) []byte {
	id := e.ID()
	return id[:]
}

// A long answer keeps its order, and loses what is forged, wherever that stands.
func TestIntakeVerifiesManyAtOnce(t *testing.T) {
	key := newKey(t)
	in := &intake{keys: []*ecdsa.PublicKey{&key.PublicKey}}
	var events, want []*event.Event
	for i := range 5*share + 1 {
		e := signedEvent(t, key, 0)
		if i%7 == 0 {
			e.Signature[5]++
		} else {
			want = append(want, e)
		}
		events = append(events, e)
	}
	if got := in.verified(events); !slices.Equal(got, want) {
		t.Errorf("%d events passed, want %d, in order", len(got), len(want))
	}
}

func TestIntakeForgets(t *testing.T) {
	in := &intake{}
	name := func(i int) signed { return signed{id: event.ID{byte(i), byte(i >> 8), byte(i >> 16)}} }
	const many = 5 * remembered
	for i := range many {
		in.remember(name(i))
	}
	if len(in.recent)+len(in.older) > 2*remembered {
		t.Errorf("remembers %d", len(in.recent)+len(in.older))
	}
	if in.knows(name(0)) || !in.knows(name(many-1)) || !in.knows(name(many-remembered)) {
		t.Error("forgets other than the oldest")
	}
}
