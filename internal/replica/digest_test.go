package replica_test

import (
	"fmt"
	"testing"

	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/internal/replica"
)

// manyEffects returns a result with effects of all kinds, and pointers into it to change.
func manyEffects() (*replica.Result, *replica.Message, *replica.Delivery, *replica.Session) {
	message := &replica.Message{Topic: "t", Payload: []byte("p"), Properties: []byte("q"), QoS: 1}
	delivery := &replica.Delivery{Message: message, Number: 7, Time: 8, IDs: []uint32{1, 2}, QoS: 1}
	session := &replica.Session{
		Epoch: 3, Next: 8, Offered: 7, Unfinished: []replica.Unfinished{{Delivery: delivery}}, Unreleased: []uint16{4},
	}
	conn := replica.Conn{Node: 1, Incarnation: 2, Number: 3}
	return &replica.Result{Outcome: replica.Applied, Effects: []replica.Effect{
		{Kind: replica.Deliver, Conn: conn, Message: message},
		{Kind: replica.Send, Conn: conn, Delivery: delivery},
		{Kind: replica.Connected, Conn: conn, Session: session},
		{Kind: replica.Subscribed, Conn: conn, Codes: []mqtt.ReasonCode{1, 2}},
		{Kind: replica.Ended, Conn: conn},
		{Kind: replica.Banned, Ban: &replica.BanEntry{BanTarget: target(replica.BanUser, "u"), Until: 9, Node: 1, Index: 5}},
	}}, message, delivery, session
}

// TestDigestTellsEffectsApart changes one thing at a time.
func TestDigestTellsEffectsApart(t *testing.T) {
	seen := map[string]int{}
	for i, change := range []func(*replica.Result, *replica.Message, *replica.Delivery, *replica.Session){
		func(*replica.Result, *replica.Message, *replica.Delivery, *replica.Session) {},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Outcome = replica.Stale
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects = r.Effects[:5]
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects = r.Effects[1:]
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[4].Kind = replica.Superseded
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[4].Conn.Number++
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[4].Conn.Incarnation++
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[4].Conn.Node++
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[3].Codes = []mqtt.ReasonCode{1, 3}
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[2].Session = nil
		},
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			m.Payload[0] ^= 1
		},
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			m.Properties[0] ^= 1
		},
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			m.Payload, m.Properties = []byte("qp"), nil
		},
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) { m.Topic = "u" },
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) { m.QoS = 2 },
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) { m.Retain = true },
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			m.HasExpiry = true
		},
		func(_ *replica.Result, m *replica.Message, _ *replica.Delivery, _ *replica.Session) { m.Expiry = 1 },
		func(_ *replica.Result, _ *replica.Message, d *replica.Delivery, _ *replica.Session) { d.Number++ },
		func(_ *replica.Result, _ *replica.Message, d *replica.Delivery, _ *replica.Session) { d.Time++ },
		func(_ *replica.Result, _ *replica.Message, d *replica.Delivery, _ *replica.Session) {
			d.IDs = d.IDs[:1]
		},
		func(_ *replica.Result, _ *replica.Message, d *replica.Delivery, _ *replica.Session) { d.QoS++ },
		func(_ *replica.Result, _ *replica.Message, d *replica.Delivery, _ *replica.Session) { d.Retain = true },
		func(_ *replica.Result, _ *replica.Message, _ *replica.Delivery, s *replica.Session) { s.Epoch++ },
		func(_ *replica.Result, _ *replica.Message, _ *replica.Delivery, s *replica.Session) { s.Present = true },
		func(_ *replica.Result, _ *replica.Message, _ *replica.Delivery, s *replica.Session) { s.Next++ },
		func(_ *replica.Result, _ *replica.Message, _ *replica.Delivery, s *replica.Session) { s.Offered++ },
		func(_ *replica.Result, _ *replica.Message, _ *replica.Delivery, s *replica.Session) {
			s.Unfinished = nil
		},
		func(_ *replica.Result, _ *replica.Message, _ *replica.Delivery, s *replica.Session) {
			s.Unfinished[0].Received = true
		},
		func(_ *replica.Result, _ *replica.Message, _ *replica.Delivery, s *replica.Session) {
			s.Unreleased = nil
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[5].Kind = replica.Unbanned
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[5].Ban.Kind = replica.BanClient
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[5].Ban.Value = "v"
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[5].Ban.Until++
		},
		func(r *replica.Result, _ *replica.Message, _ *replica.Delivery, _ *replica.Session) {
			r.Effects[5].Ban.Reason = "r"
		},
	} {
		r, m, d, s := manyEffects()
		change(r, m, d, s)
		digest := fmt.Sprintf("%x", r.AppendDigest(nil))
		if other, ok := seen[digest]; ok {
			t.Errorf("changes %d and %d have one digest", other, i)
		}
		seen[digest] = i
	}
}

func TestDigestAllocatesNothing(t *testing.T) {
	r, _, _, _ := manyEffects()
	buffer := r.AppendDigest(make([]byte, 0, 1024))
	if len(buffer) > 60*len(r.Effects) {
		t.Errorf("%d bytes", len(buffer))
	}
	if n := testing.AllocsPerRun(100, func() { buffer = r.AppendDigest(buffer[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendDigest(b *testing.B) {
	r, _, _, _ := manyEffects()
	buffer := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buffer = r.AppendDigest(buffer[:0])
	}
}
