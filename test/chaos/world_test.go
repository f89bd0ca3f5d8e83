package chaos

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// nodes is the size of the cluster: one may fail, three are a supermajority.
const nodes = 4

// world is a cluster with its clients: on each node two recorders, at QoS 2 and 1, and two publishers.
type world struct {
	*cluster.Cluster
	t          *testing.T
	recorders  []*recorder  // in the order in which they came; also those that died with their node
	publishers []*publisher // also those
	boots      [nodes]int   // how often each node was started again
}

// newWorld starts a cluster behind a network that can be harmed, and clients on each node. Whatever happens to a node that
// lives, its clients stay connected: no harm lasts until the others take it to be dead.
func newWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	flags = append(flags, "--node-timeout", "10m")
	w := &world{Cluster: cluster.StartBehind(t, nodes, seed(), flags...), t: t}
	for i := range nodes {
		w.listen(i)
	}
	for i := range nodes {
		w.load(i)
	}
	return w
}

// listen connects recorders to a node.
func (w *world) listen(i int) {
	w.t.Helper()
	behind := w.newest()
	for qos := byte(2); qos >= 1; qos-- {
		w.recorders = append(w.recorders, record(w.t, w.Nodes[i].MQTT, i, qos, behind))
	}
}

// newest returns what some recorder has received last, "" if there is nothing yet.
func (w *world) newest() string {
	for _, r := range w.recorders {
		if lines := r.snapshot(); !r.dead && len(lines) > 0 {
			return lines[len(lines)-1]
		}
	}
	return ""
}

// load connects publishers to a node, which publish from then on.
func (w *world) load(i int) {
	w.t.Helper()
	for k := range 2 {
		name := fmt.Sprintf("p%d%c%d", i, 'a'+k, w.boots[i])
		w.publishers = append(w.publishers, publish(w.t, w.Nodes[i].MQTT, i, name))
	}
}

// kill kills a node. Its recorders' records end there; they are kept to be compared.
func (w *world) kill(i int) {
	w.t.Helper()
	w.Kill(i)
	for _, p := range w.publishers {
		p.dead = p.dead || p.node == i
	}
	for _, r := range w.recorders {
		r.dead = r.dead || r.node == i
	}
}

// revive starts a killed node again. Its new clients do not wait until it is ready.
func (w *world) revive(i int) {
	w.t.Helper()
	w.Restart(i)
	w.boots[i]++
	w.listen(i)
	w.load(i)
}

// flows waits until each publisher on these nodes has got something acknowledged that it published from now on, and
// returns how long that took.
func (w *world) flows(on ...int) time.Duration {
	w.t.Helper()
	start := time.Now()
	sent := map[*publisher]int{}
	for _, p := range w.publishersOn(on) {
		sent[p], _ = p.count()
	}
	for p, number := range sent {
		w.until("order goes on for "+p.name, func() bool { return p.passed(number) })
	}
	took := time.Since(start)
	if took > 2*time.Second {
		w.describe()
	}
	return took
}

// stalls fails if anything is acknowledged on these nodes while f runs, once what was under way has come.
func (w *world) stalls(f func(), on ...int) {
	w.t.Helper()
	time.Sleep(500 * time.Millisecond)
	before := map[*publisher]int{}
	for _, p := range w.publishersOn(on) {
		_, before[p] = p.count()
	}
	f()
	for p, was := range before {
		if _, acked := p.count(); acked > was {
			w.t.Errorf("%s: %d messages were acknowledged without a quorum", p.name, acked-was)
		}
	}
}

// publishersOn returns the living publishers on these nodes.
func (w *world) publishersOn(nodes []int) []*publisher {
	return slices.DeleteFunc(slices.Clone(w.publishers), func(p *publisher) bool {
		return p.dead || !slices.Contains(nodes, p.node)
	})
}
