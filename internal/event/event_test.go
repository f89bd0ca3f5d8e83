package event

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"math/big"
	"reflect"
	"testing"
)

var domain = Domain{1, 2, 3}

// sample is an event with a self-parent, two other-parents and three transactions.
func sample(t testing.TB) *Event {
	t.Helper()
	var payload []byte
	for _, tx := range []string{"first", "", "third"} {
		payload = AppendTransaction(payload, []byte(tx))
	}
	e := &Event{
		Creator: 2, Seq: 7, BirthRound: 5, Time: 1_700_000_000_000_000_000, Coin: 0xa5, Payload: payload,
		Parents: []Parent{
			{Creator: 2, Seq: 6, BirthRound: 5, ID: ID{6}},
			{Creator: 0, Seq: 9, BirthRound: 4, ID: ID{9}},
			{Creator: 3, Seq: 1, BirthRound: 1, ID: ID{1}},
		},
	}
	if err := e.Seal(domain); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnEventSurvivesTheWire(t *testing.T) {
	e := sample(t)
	e.Signature = Signature{1, 2, 3}
	got, rest, err := Decode(append(e.Append(nil), "behind"...), domain)
	if err != nil || string(rest) != "behind" {
		t.Fatalf("Decode: %v, rest %q", err, rest)
	}
	if !reflect.DeepEqual(got, e) {
		t.Fatalf("got  %+v\nwant %+v", got, e)
	}
	if birth, err := BirthRound(e.Append(nil)); err != nil || birth != e.BirthRound {
		t.Fatalf("birth round %d, %v", birth, err)
	}
	var txs []string
	got.EachTransaction(func(_ int, tx []byte) { txs = append(txs, string(tx)) })
	if !reflect.DeepEqual(txs, []string{"first", "", "third"}) || got.Transactions() != 3 {
		t.Fatalf("transactions %q", txs)
	}
}

func TestTheIDDependsOnEverythingButTheSignature(t *testing.T) {
	base := sample(t).ID()
	changes := map[string]func(*Event){
		"creator":       func(e *Event) { e.Creator, e.Parents[0].Creator = 1, 1 },
		"seq":           func(e *Event) { e.Seq, e.Parents[0].Seq = 8, 7 },
		"birth round":   func(e *Event) { e.BirthRound++ },
		"parent's id":   func(e *Event) { e.Parents[1].ID[31] ^= 1 },
		"parent's seq":  func(e *Event) { e.Parents[1].Seq++ },
		"parent's born": func(e *Event) { e.Parents[1].BirthRound++ },
		"one parent":    func(e *Event) { e.Parents = e.Parents[:2] },
		"time":          func(e *Event) { e.Time++ },
		"coin":          func(e *Event) { e.Coin ^= 1 },
		"payload":       func(e *Event) { e.Payload = AppendTransaction(e.Payload, nil) },
	}
	for what, change := range changes {
		e := sample(t)
		change(e)
		if err := e.Seal(domain); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if e.ID() == base {
			t.Errorf("the %s is not hashed", what)
		}
	}
	e := sample(t)
	e.Signature[0] ^= 1
	if err := e.Seal(domain); err != nil || e.ID() != base {
		t.Errorf("the signature is hashed (%v)", err)
	}
	if err := e.Seal(Domain{9}); err != nil || e.ID() == base {
		t.Errorf("the domain is not hashed (%v)", err)
	}
}

func TestMisshapenEventsAreRefused(t *testing.T) {
	for what, spoil := range map[string]func(*Event){
		"creator out of range":     func(e *Event) { e.Creator, e.Parents[0].Creator = MaxMembers, MaxMembers },
		"seq 0":                    func(e *Event) { e.Seq = 0 },
		"birth round 0":            func(e *Event) { e.BirthRound = 0 },
		"born before a parent":     func(e *Event) { e.BirthRound = 4 },
		"negative time":            func(e *Event) { e.Time = -1 },
		"self-parent of another":   func(e *Event) { e.Parents[0].Creator = 1 },
		"self-parent out of place": func(e *Event) { e.Parents[0].Seq = 5 },
		"no parents at seq 7":      func(e *Event) { e.Parents = nil },
		"two parents of one":       func(e *Event) { e.Parents[2].Creator = 0 },
		"parents out of order":     func(e *Event) { e.Parents[1], e.Parents[2] = e.Parents[2], e.Parents[1] },
		"own event as other":       func(e *Event) { e.Parents[1].Creator = 2 },
		"zero parent":              func(e *Event) { e.Parents[1].ID = ID{} },
		"payload cut short":        func(e *Event) { e.Payload = e.Payload[:len(e.Payload)-1] },
	} {
		e := sample(t)
		spoil(e)
		if err := e.Seal(domain); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Seal says %v", what, err)
		}
		if _, _, err := Decode(e.Append(nil), domain); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Decode says %v", what, err)
		}
	}
}

func TestEveryTruncationIsMalformed(t *testing.T) {
	whole := sample(t).Append(nil)
	for n := range whole {
		if _, _, err := Decode(whole[:n], domain); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func TestSignatures(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e := sample(t)
	for range 50 { // about half of all signatures have to be brought into low-s form
		if err := e.Sign(key); err != nil {
			t.Fatal(err)
		}
		if !e.Verify(&key.PublicKey) {
			t.Fatal("a signature does not verify")
		}
	}
	if e.Verify(&other.PublicKey) {
		t.Error("another member's key verifies")
	}
	s := new(big.Int).SetBytes(e.Signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(e.Signature[32:])
	if e.Verify(&key.PublicKey) {
		t.Error("the malleated, high-s twin of a signature verifies")
	}
	e.Signature = Signature{}
	if e.Verify(&key.PublicKey) {
		t.Error("the zero signature verifies")
	}
}

func TestAMessageSurvivesTheWire(t *testing.T) {
	m := &Message{
		Events: []*Event{sample(t), sample(t)},
		Want:   []ID{{1}, {2}},
		Tips:   []Tip{{Creator: 0, Seq: 4, ID: ID{4}}, {Creator: 3, Seq: 1, ID: ID{5}}},
		Votes:  []Vote{{Creator: 3, Round: 1 << 40, Digest: [32]byte{6}, Signature: Signature{7}}, {Round: 32}},
		Boot:   true,
		Answer: true,
	}
	got, err := DecodeMessage(m.Append(nil), domain)
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, m)
	}
	whole := m.Append(nil)
	for n := range whole {
		if _, err := DecodeMessage(whole[:n], domain); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	if _, err := DecodeMessage(append(whole, 0), domain); !errors.Is(err, ErrMalformed) {
		t.Fatalf("a byte too many: %v", err)
	}
}

// A small event that is kept for long does not keep the memory of the large message that it came in.
func TestASmallEventKeepsNoMessage(t *testing.T) {
	small, large := sample(t), sample(t)
	large.Payload = AppendTransaction(nil, make([]byte, 1<<20))
	if err := large.Seal(domain); err != nil {
		t.Fatal(err)
	}
	wire := (&Message{Events: []*Event{small, large}}).Append(nil)
	m, err := DecodeMessage(wire, domain)
	if err != nil {
		t.Fatal(err)
	}
	clear(wire)
	if got := m.Events[0].Payload; !bytes.Equal(got, small.Payload) {
		t.Errorf("its payload is now %x", got)
	}
	if got := m.Events[1].Payload; bytes.Equal(got, large.Payload) {
		t.Error("the large one is copied")
	}
}

// An encoding is canonical: what decodes encodes to the same bytes.
func FuzzDecodeMessage(f *testing.F) {
	f.Add((&Message{Boot: true}).Append(nil))
	f.Add((&Message{Events: []*Event{sample(f)}, Want: []ID{{1}}, Tips: []Tip{{Creator: 1, Seq: 2}}}).Append(nil))
	f.Add((&Message{Answer: true, Votes: []Vote{{Creator: 2, Round: 64}, {Creator: 255, Round: 1 << 63}}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeMessage(b, domain)
		if err != nil {
			return
		}
		if again := m.Append(nil); string(again) != string(b) {
			t.Fatalf("%x decodes and encodes to %x", b, again)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	wire := sample(b).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Decode(wire, domain); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B)   { benchmarkKey(b, (*Event).Sign) }
func BenchmarkVerify(b *testing.B) { benchmarkKey(b, nil) }

func benchmarkKey(b *testing.B, sign func(*Event, *ecdsa.PrivateKey) error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	e := sample(b)
	if err := e.Sign(key); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if sign != nil {
			err = sign(e, key)
		} else if !e.Verify(&key.PublicKey) {
			b.Fatal("does not verify")
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
