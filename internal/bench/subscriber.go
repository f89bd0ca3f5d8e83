package bench

import (
	"sync/atomic"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// subscriber counts what it gets. But for received, its fields are its client's reading goroutine's until the client
// is closed.
type subscriber struct {
	run      *run
	client   *client.Client
	received atomic.Uint64
	next     []uint64 // by publisher: the sequence number that should come next
	lost     uint64   // sequence numbers that were left out
	repeated uint64   // sequence numbers that came again or late
	counted  uint64   // received while the run was measuring
	latency  histogram
}

// take is the client's callback.
func (s *subscriber) take(p *mqtt.Publish) {
	h, ok := parseHeader(p.Payload)
	if !ok || h.publisher >= len(s.next) {
		s.run.fail("a message that nobody published")
		return
	}
	next := &s.next[h.publisher]
	if h.seq < *next {
		s.repeated++
		return
	}
	s.lost += h.seq - *next
	*next = h.seq + 1
	s.received.Add(1)
	if s.run.measuring.Load() {
		s.counted++
		s.latency.add(time.Duration(s.run.now() - h.sent))
	}
	s.run.publishers[h.publisher].gate.leave(h.seq)
}
