package node

import (
	"crypto/ecdsa"
	"fmt"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/consensus/driver"
	"github.com/foxmq/foxmq/internal/replica"
)

// TestWhatIsSaidOfPeers: node 0 of 4, for which node 3 is away for the time-out of 10 s or back, submits what it thinks.
func TestWhatIsSaidOfPeers(t *testing.T) {
	alive := standing{incarnation: 7, connections: true}
	blamed := standing{incarnation: 7, connections: true, suspected: true, mine: true}
	for name, test := range map[string]struct {
		of    standing
		back  bool
		peers int32 // that are connected
		state driver.State
		want  string
	}{
		"away":                     {alive, false, 2, driver.Active, "suspect 3@7"},
		"away without connections": {standing{incarnation: 7}, false, 2, driver.Active, ""},
		"away and suspected":       {blamed, false, 2, driver.Active, ""},
		"suspected by others":      {standing{incarnation: 7, connections: true, suspected: true}, false, 2, driver.Active, "suspect 3@7"},
		"without a quorum":         {alive, false, 1, driver.Active, ""},
		"catching up":              {alive, false, 2, driver.Behind, ""},
		"here":                     {alive, true, 3, driver.Active, ""},
		"back":                     {blamed, true, 3, driver.Active, "withdraw 3@7"},
	} {
		n := &Node{cfg: Config{Keys: make([]*ecdsa.PublicKey, 4), NodeTimeout: 10 * time.Second}, quorum: 3}
		n.pool = newPool(1<<20, func() {})
		for range n.cfg.Keys {
			n.peers = append(n.peers, newMailbox())
		}
		n.peers[3].connected = test.back
		n.connected.Store(test.peers)
		n.picture.Store(&driver.Status{State: test.state})
		n.standings.Store(&[]standing{{}, {}, {}, test.of})
		l := &loop{node: n, absences: absences{timeout: int64(n.cfg.NodeTimeout), since: make([]int64, 4)}}
		for now := int64(1); now < 14*int64(time.Second); now += int64(time.Second) {
			l.suspect(now)
		}
		if got := opinions(t, n); got != test.want {
			t.Errorf("%s: said %q, want %q", name, got, test.want)
		}
	}
}

// opinions returns what is in the pool: the loop waits for that before it says more.
func opinions(t *testing.T, n *Node) (all string) {
	t.Helper()
	for n.pool.waiting.Len() > 0 {
		waits := n.pool.waiting.Pop()
		cmd, err := replica.DecodeCommand(waits.command)
		if err != nil {
			t.Fatal(err)
		}
		s := cmd.(*replica.Suspect)
		all += fmt.Sprintf("%s %d@%d", map[bool]string{false: "suspect", true: "withdraw"}[s.Withdraw], s.Member, s.Incarnation)
	}
	return all
}
