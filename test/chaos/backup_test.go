package chaos

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// Yesterday's data directory of a node is put back. It learns from its peers how far it has come since, and goes on from
// there: it makes no second event with a number that it has used.
func TestRestoredBackup(t *testing.T) {
	const node = 3
	s := newStorm(t, stormConfig{Config: cluster.Config{Seed: seed()}})
	restore := s.yesterday(node)
	last := s.own(node)
	s.kill(node)
	restore()
	s.restart(node)
	s.settle()
	if now := s.own(node); now < last {
		t.Errorf("node %d goes on at event %d; it had made %d", node, now, last)
	}
	s.flows()
	s.forget()
	s.assertNoForks()
	s.finish()
}

// The same, but the only peer that has seen the node's last events is cut off when it comes back. It may make events
// with those numbers again, being one that may be faulty; all agree nevertheless, also with the peer when that returns.
func TestRestoredBackupWithoutTheOnlyWitness(t *testing.T) {
	const node, witness = 3, 2
	s := newStorm(t, stormConfig{Config: cluster.Config{Seed: seed()}})
	restore := s.yesterday(node)
	for i := range 2 {
		s.Network.Set(node, i, cluster.Link{Cut: true})
		s.Network.Set(witness, i, cluster.Link{Cut: true})
		s.Network.Set(i, witness, cluster.Link{Cut: true})
	}
	cut := s.own(node)
	s.until("the witness alone sees new events", func() bool { return s.own(node) > cut })
	time.Sleep(500 * time.Millisecond) // for the way to the witness
	s.kill(node)
	restore()
	s.Network.Partition(witness)
	s.restart(node)
	for _, i := range []int{0, 1, node} {
		s.WaitReady(i)
	}
	s.note("node %d is ready at event %d; it had made more than %d", node, s.own(node), cut)
	s.flows()
	s.Network.Heal()
	s.settle()
	s.flows()
	s.finish()
}

// yesterday copies a node's data directory, and lets the cluster do a day's work since.
func (s *storm) yesterday(node int) (restore func()) {
	s.t.Helper()
	s.flows()
	s.stop(node)
	restore = s.Backup(node)
	s.note("a backup of node %d is taken", node)
	s.restart(node)
	s.settle()
	s.flows()
	s.forget()
	return restore
}

// own returns the number of a node's last event.
func (s *storm) own(node int) uint64 {
	s.t.Helper()
	status, err := s.Status(node)
	if err != nil {
		s.t.Fatal(err)
	}
	return status.Node.Own
}

// assertNoForks fails if a node counts a fork or has logged one.
func (s *storm) assertNoForks() {
	s.t.Helper()
	for i := range s.Nodes {
		for _, line := range s.Log(i) {
			if strings.Contains(strings.ToLower(line), "fork") {
				s.t.Errorf("node %d logged %q", i, line)
			}
		}
		body, err := s.RawStatus(i)
		if err != nil {
			s.t.Fatal(err)
		}
		var status any
		if err := json.Unmarshal(body, &status); err != nil {
			s.t.Fatal(err)
		}
		if n := forks(status); n > 0 {
			s.t.Errorf("node %d counts %v forks", i, n)
		}
	}
}

// forks adds up the numbers in a JSON value whose names say that they count forks.
func forks(value any) (n float64) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			n += forks(e)
		}
	case map[string]any:
		for name, e := range v {
			if count, ok := e.(float64); ok && strings.Contains(strings.ToLower(name), "fork") {
				n += count
			}
			n += forks(e)
		}
	}
	return n
}
