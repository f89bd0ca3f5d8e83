package chaos

import (
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// awayBytes is more than nodes keep of the log for one that is away.
const awayBytes = 96 << 20

// A node is away while more passes than its peers keep for it. It returns by their state, and they have not grown
// meanwhile.
func TestAwayForLong(t *testing.T) {
	const node, size = 3, 60 << 10
	s := newStorm(t, stormConfig{
		Config:     cluster.Config{Seed: seed()},
		publishers: 3, subscribers: 2, pace: 40 * time.Millisecond, size: size,
	})
	s.flows()
	for k := range brief(1, 3) {
		s.note("kill node %d, time %d", node, k)
		s.kill(node)
		for before := s.answered(); (s.answered()-before)*size < awayBytes; time.Sleep(time.Second) {
			s.flows()
			s.assertMemory(node)
		}
		s.note("%d MiB have passed", awayBytes>>20)
		s.restart(node)
		s.settle()
		s.assertMemory(-1)
		s.flows()
	}
	s.finish()
}

// answered returns how many messages the publishers have an answer to.
func (s *storm) answered() (n int) {
	for _, p := range s.publishers {
		_, answered := p.Count()
		n += answered
	}
	return n
}

// assertMemory fails if a node other than one occupies too much.
func (s *storm) assertMemory(but int) {
	s.t.Helper()
	for i := range s.Nodes {
		if i == but {
			continue
		}
		used, known := s.Memory(i)
		if !known {
			return
		}
		s.note("node %d occupies %d MiB", i, used>>20)
		if used > maxMemory {
			s.t.Errorf("node %d occupies %d MiB", i, used>>20)
		}
	}
}
