package gossip

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/event"
)

// sink counts messages, and passes on when each came, if somebody wants to know.
type sink struct {
	connected chan int
	messages  atomic.Int64
	arrived   chan time.Time
}

func newSink() *sink { return &sink{connected: make(chan int, 64)} }

func (s *sink) Connected(peer int) { s.connected <- peer }
func (s *sink) Disconnected(int)   {}
func (s *sink) Message(int, *event.Message) error {
	s.messages.Add(1)
	if s.arrived != nil {
		s.arrived <- time.Now()
	}
	return nil
}

// benchCluster starts n nodes with sinks and waits until each is connected with all others.
func benchCluster(b *testing.B, n int, arrived chan time.Time) ([]*node, []*sink) {
	b.Helper()
	members, sockets := newMembers(b, n)
	book := newBook(members)
	nodes, sinks := make([]*node, n), make([]*sink, n)
	for i, m := range members {
		sinks[i] = newSink()
		sinks[i].arrived = arrived
		nodes[i] = run(b, Config{
			Book: book, Self: i, Key: m.key, Conn: sockets[i], Handler: sinks[i], MaxBackoff: time.Second,
		})
	}
	for _, s := range sinks {
		for range n - 1 {
			<-s.connected
		}
	}
	return nodes, sinks
}

// BenchmarkThroughput sends messages with one event of 1 KiB from one node to another as fast as they are taken.
func BenchmarkThroughput(b *testing.B) {
	nodes, sinks := benchCluster(b, 2, nil)
	e := newEvent(b, nodes[0].cfg.Book, 1<<10)
	const window = 256 // messages under way
	b.SetBytes(1 << 10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for int64(i)-sinks[1].messages.Load() > window {
			time.Sleep(10 * time.Microsecond)
		}
		if !nodes[0].Send(1, &event.Message{Events: []*event.Event{e}}) {
			b.Fatal("message lost")
		}
	}
}

// BenchmarkBroadcastLatency sends 1,000 messages a second from one node to three others and reports how long they
// take, one way.
func BenchmarkBroadcastLatency(b *testing.B) {
	arrived := make(chan time.Time, 3)
	nodes, _ := benchCluster(b, 4, arrived)
	e := newEvent(b, nodes[0].cfg.Book, 1<<10)
	var delays []time.Duration
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	b.ReportAllocs()
	for b.Loop() {
		<-tick.C
		m, sent := &event.Message{Events: []*event.Event{e}}, time.Now()
		for to := 1; to < 4; to++ {
			nodes[0].Send(to, m)
		}
		for range 3 {
			delays = append(delays, (<-arrived).Sub(sent))
		}
	}
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkBroadcastEncoding shows what sharing the encoding of a message sent to 3 peers saves.
func BenchmarkBroadcastEncoding(b *testing.B) {
	members, sockets := newMembers(b, 1)
	sockets[0].Close()
	e := newEvent(b, newBook(members), 64<<10)
	for _, shared := range []bool{true, false} {
		name := map[bool]string{true: "shared", false: "apart"}[shared]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := &event.Message{Events: []*event.Event{e}}
				o := newOutgoing(m)
				for range 3 {
					if !shared {
						o = newOutgoing(m)
					}
					o.encoded()
				}
			}
		})
	}
}
