package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// The kinds of faults.
const (
	killing  = "kill"     // a node is killed and started again
	freezing = "freeze"   // a node is stopped where it stands, and goes on
	cutting  = "cut"      // links between nodes carry nothing
	wiping   = "wipe"     // a node is killed, and its data directory emptied
	rollback = "rollback" // a node is killed, and its data directory is as it was at some earlier time
	killAll  = "killall"  // all nodes are killed at once
)

var allFaults = []string{killing, freezing, cutting, wiping, rollback, killAll}

// The ways in which links are cut.
const (
	alone  = "alone"  // one node from all others
	deaf1  = "deaf"   // nothing reaches one node
	mute   = "mute"   // nothing leaves one node
	pair   = "pair"   // two nodes from each other
	halves = "halves" // one half of the nodes from the other
)

var cuts = []string{alone, deaf1, mute, pair, halves}

// How long faults last. A run of a few minutes has the less of the long ones.
const (
	shortest    = 100 * time.Millisecond
	longest     = 10 * time.Second
	longestSoon = 6 * time.Second
)

// fault is one thing that befalls a cluster.
type fault struct {
	kind  string
	way   string        // of a cut
	order []int         // all nodes; the first one suffers, or the first half
	lasts time.Duration // until a node is started again or goes on, or the links are whole
	copy  bool          // with a backup of the data directory, while the node is down
}

// draw draws a fault of one of these kinds, which lasts no longer than that.
func draw(rng *rand.Rand, kinds []string, nodes int, longest time.Duration) fault {
	f := fault{
		kind: kinds[rng.IntN(len(kinds))], way: cuts[rng.IntN(len(cuts))], order: rng.Perm(nodes), copy: rng.IntN(2) == 0,
	}
	switch f.kind {
	case freezing, cutting:
		f.lasts = shortest + time.Duration(rng.Int64N(int64(longest-shortest)))
	default: // half of the nodes come back at once
		f.lasts = time.Duration(rng.Int64N(int64(longest/3))) * time.Duration(rng.IntN(2))
	}
	return f
}

func (f fault) String() string {
	what := fmt.Sprintf("%s node %d", f.kind, f.order[0])
	switch {
	case f.kind == killAll:
		what = f.kind
	case f.kind == cutting && f.way == halves:
		what = fmt.Sprintf("cut halves %v", f.order[:len(f.order)/2])
	case f.kind == cutting && f.way == pair:
		what = fmt.Sprintf("cut %d from %d", f.order[0], f.order[1])
	case f.kind == cutting:
		what = fmt.Sprintf("cut node %d %s", f.order[0], f.way)
	}
	return fmt.Sprintf("%s for %.3fs", what, f.lasts.Seconds())
}

// strike lets a fault happen and waits until it is over.
func (s *storm) strike(f fault) {
	s.t.Helper()
	s.note("%s", f)
	node := f.order[0]
	switch f.kind {
	case freezing:
		s.Pause(node)
		time.Sleep(f.lasts)
		s.Resume(node)
	case cutting:
		s.cut(f)
		time.Sleep(f.lasts)
		s.Network.Heal()
	case killAll:
		s.kill(f.order...)
		time.Sleep(f.lasts)
		s.restart(f.order...)
	default:
		s.kill(node)
		s.spoil(f)
		time.Sleep(f.lasts)
		s.restart(node)
	}
	s.note("over")
	s.settle()
	if f.kind == wiping || f.kind == rollback {
		s.forget()
	}
}

// spoil does to the data directory of a killed node what the fault says.
func (s *storm) spoil(f fault) {
	s.t.Helper()
	node := f.order[0]
	restore := s.backups[node]
	switch {
	case f.kind == wiping:
		s.Wipe(node)
	case f.kind == rollback && restore != nil:
		restore()
	case f.kind == rollback || f.copy:
		s.note("a backup of node %d is taken", node)
		s.backups[node] = s.Backup(node)
	}
}

// cut cuts links.
func (s *storm) cut(f fault) {
	node, n := f.order[0], s.Network
	switch f.way {
	case alone:
		n.Partition(node)
	case halves:
		n.Partition(f.order[:len(f.order)/2]...)
	case pair:
		n.Set(node, f.order[1], cluster.Link{Cut: true})
		n.Set(f.order[1], node, cluster.Link{Cut: true})
	default:
		for _, peer := range f.order[1:] {
			if f.way == deaf1 {
				n.Set(peer, node, cluster.Link{Cut: true})
			} else {
				n.Set(node, peer, cluster.Link{Cut: true})
			}
		}
	}
}

// ancientRounds is more rounds than an event can take part in. Until the events are ancient that a node has lost with
// its disk, it counts among the faulty ones.
const ancientRounds = 40

// forget waits until nothing is remembered that a node may have lost.
func (s *storm) forget() {
	s.t.Helper()
	target := uint64(0)
	for i := range s.Nodes {
		if status, err := s.Status(i); err == nil {
			target = max(target, status.Node.Round+ancientRounds)
		}
	}
	s.until("lost events are ancient", func() bool {
		for i := range s.Nodes {
			if status, err := s.Status(i); err != nil || status.Node.Round < target {
				return false
			}
		}
		return true
	})
	s.note("what was lost is ancient")
}
