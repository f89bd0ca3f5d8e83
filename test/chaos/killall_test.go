package chaos

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// chaosTimes is how often all nodes are killed: make chaos-killall gives it.
var chaosTimes = flag.Int("times", 0, "how often all nodes are killed at once; 0: 2, or 50 if FOXMQ_LONG is set")

// All nodes are killed at once under load, as when the power of a rack fails and the disks have what was written, again
// and again, also before they are ready. Nothing that was acknowledged is lost, and no session.
func TestKillAll(t *testing.T) {
	s := newStorm(t, stormConfig{Config: cluster.Config{Seed: chaosSeedOr(seed())}})
	times := *chaosTimes
	if times == 0 {
		times = int(brief(2, 50))
	}
	rng := rand.New(rand.NewPCG(s.config.Seed, 2))
	s.flows()
	for k := range times {
		time.Sleep(time.Duration(rng.Int64N(int64(2 * time.Second))))
		f := fault{kind: killAll, order: rng.Perm(s.config.Nodes)}
		if k%5 == 4 { // soon after a start
			s.note("%s", f)
			s.kill(f.order...)
			s.restart(f.order...)
			time.Sleep(time.Duration(rng.Int64N(int64(2 * time.Second))))
		}
		s.strike(f)
		s.flows()
	}
	s.finish()
}

// The same where each node syncs what it writes before anybody hears of it; and one node by itself.
func TestKillAllSynced(t *testing.T) {
	s := newStorm(t, stormConfig{Config: cluster.Config{Seed: seed(), Flags: []string{"--durability=sync"}}})
	rng := rand.New(rand.NewPCG(s.config.Seed, 3))
	s.flows()
	for k := range brief(2, 60) {
		kind := []string{killAll, killing, killAll}[k%3]
		time.Sleep(time.Duration(rng.Int64N(int64(time.Second))))
		s.strike(fault{kind: kind, order: rng.Perm(s.config.Nodes)})
		s.flows()
	}
	s.finish()
}
