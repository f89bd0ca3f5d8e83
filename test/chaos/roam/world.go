// Package roam has the clients of the chaos tests: publishers and subscribers with lasting sessions that lose their
// connections, leave by themselves now and then, and come back on any node, and that write down what they were promised
// and given. They do what the specification asks of a client, packet by packet.
//
// # Concurrency
//
// A client's Run has one goroutine that owns everything, and one that reads from the connection; it waits for it. What
// other goroutines may ask for is under the client's mutex. A World may be used by all of them.
package roam

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/foxmq/foxmq/test/chaos/verdict"
)

// World is what clients know of the cluster.
type World struct {
	addrs []string
	boots []atomic.Int32 // how often each node was started again
}

// NewWorld returns a World of nodes that listen on these addresses.
func NewWorld(addrs []string) *World {
	return &World{addrs: addrs, boots: make([]atomic.Int32, len(addrs))}
}

// Booted says that a node's process is gone and is about to be started again. What connects from now on reaches the
// new one, and returns the connection as clients have noted it that were connected to the old one.
func (w *World) Booted(node int) verdict.Conn {
	return verdict.Conn{Node: node, Boot: int(w.boots[node].Add(1)) - 1}
}

func (w *World) boot(node int) int { return int(w.boots[node].Load()) }

// Load says what is published. A message is a function of the seed, its publisher and its number, so that whoever
// receives it can tell whether it is whole.
type Load struct {
	Seed uint64
	Size int // bytes of each message; 0: most are small, some have up to 64 KiB
}

// Sizes of messages, in bytes.
const (
	smallest = 20
	small    = 300
	medium   = 4 << 10
	large    = 64 << 10
)

// spec is a message without its payload.
type spec struct {
	topic  string
	qos    byte
	retain bool
	size   int
	offset int // of its payload's filling
}

// spec returns what the message is like.
func (l Load) spec(m verdict.Message) spec {
	rng := rand.New(rand.NewPCG(l.Seed, uint64(m.Publisher)<<32|uint64(m.Number)))
	s := spec{
		topic:  fmt.Sprintf("chaos/%d/%d", m.Publisher, rng.IntN(5)),
		qos:    byte(1 + rng.IntN(2)),
		retain: rng.IntN(20) == 0,
		size:   smallest + rng.IntN(small),
		offset: rng.IntN(len(filling) / 2),
	}
	switch rng.IntN(100) {
	case 0:
		s.size = medium + rng.IntN(large-medium+1)
	case 1, 2, 3, 4, 5, 6, 7, 8, 9:
		s.size = small + rng.IntN(medium)
	}
	if l.Size > 0 {
		s.size = l.Size
	}
	if s.retain {
		s.topic = fmt.Sprintf("chaos/kept/%d/%d", m.Publisher, rng.IntN(5))
	}
	return s
}

// filling is what payloads are filled with, from any offset in its first half on.
var filling = func() []byte {
	rng := rand.New(rand.NewPCG(0, 0))
	b := make([]byte, 4*large)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}()

// payload returns the message's payload: its name and a filling.
func (l Load) payload(m verdict.Message) []byte {
	s := l.spec(m)
	b := fmt.Appendf(make([]byte, 0, max(s.size, smallest)), "%d %d ", m.Publisher, m.Number)
	return append(b, filling[s.offset:s.offset+max(0, s.size-len(b))]...)
}

// parse returns the message that a payload is, and an error if it is not as it was published.
func (l Load) parse(payload []byte) (m verdict.Message, err error) {
	if _, err := fmt.Sscanf(string(payload[:min(len(payload), 32)]), "%d %d ", &m.Publisher, &m.Number); err != nil {
		return m, fmt.Errorf("payload %.32q: %w", payload, err)
	}
	if !bytes.Equal(payload, l.payload(m)) {
		return m, fmt.Errorf("%s has come in another shape, %d bytes: %.32q", m, len(payload), payload)
	}
	return m, nil
}
