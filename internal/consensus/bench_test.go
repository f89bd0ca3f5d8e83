package consensus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/consensus"
	"github.com/foxmq/foxmq/internal/event"
)

// BenchmarkInsert inserts the events of a cluster at work and tells, of the same run, how that compares with what an
// event costs anyway: the verification of its signature. Some start late, when the graph has long been growing; in
// some, one member forks with every event. The last metric is how many events a round takes for each member.
func BenchmarkInsert(b *testing.B) {
	for _, n := range []int{4, 7, 13, 31} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { benchmarkInsert(b, n, 4_000, false) })
	}
	for _, n := range []int{4, 31} {
		b.Run(fmt.Sprintf("n=%d/late", n), func(b *testing.B) { benchmarkInsert(b, n, 40_000, false) })
		b.Run(fmt.Sprintf("n=%d/forked", n), func(b *testing.B) { benchmarkInsert(b, n, 4_000, true) })
	}
}

func benchmarkInsert(b *testing.B, members, start int, forked bool) {
	c := newCrew(b, members, forked)
	e := consensus.New(consensus.Config{Members: members})
	insertAll(e, c.take(start))
	signed, key := signedEvent(b)
	var verifying time.Duration
	rounds, verified := 0, 0
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= min(left, 2000) {
		b.StopTimer()
		events := c.take(min(left, 2000))
		begin := time.Now()
		for range 20 {
			signed.Verify(key)
		}
		verifying += time.Since(begin)
		verified += 20
		b.StartTimer()
		for _, ev := range events {
			rounds += len(e.Insert(ev))
		}
	}
	insert := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	verify := float64(verifying.Nanoseconds()) / float64(verified)
	b.ReportMetric(verify, "ns/verify")
	b.ReportMetric(insert/verify, "insert/verify")
	b.ReportMetric(float64(b.N)/float64(rounds)/float64(members), "events/round/member")
}

// signedEvent returns an event to verify and its creator's key.
func signedEvent(t testing.TB) (*event.Event, *ecdsa.PublicKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ev := &event.Event{Seq: 1, BirthRound: 1}
	if err := ev.Seal(event.Domain{}); err != nil {
		t.Fatal(err)
	}
	if err := ev.Sign(key); err != nil {
		t.Fatal(err)
	}
	return ev, &key.PublicKey
}
