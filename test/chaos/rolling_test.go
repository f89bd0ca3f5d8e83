package chaos

import (
	"strings"
	"testing"

	"github.com/foxmq/foxmq/test/chaos/verdict"
	"github.com/foxmq/foxmq/test/cluster"
)

// Each node is stopped in good order under load and started again, as when a new version is rolled out. No publisher
// sees more of it than that it has to connect anew: no publish is refused, no session is lost, and what is published at
// QoS 2 comes once.
func TestRollingRestart(t *testing.T) {
	s := newStorm(t, stormConfig{Config: cluster.Config{Seed: seed()}})
	s.flows()
	for range brief(1, 5) {
		for i := range s.Nodes {
			s.stop(i)
			s.restart(i)
			s.settle()
			s.flows()
		}
	}
	r := s.finish()
	if r.Refused > 0 || r.Count(verdict.TwiceAfter) > 0 {
		t.Errorf("%d publishes were refused, %d messages at QoS 2 came twice", r.Refused, r.Count(verdict.TwiceAfter))
	}
	for reason := range s.farewells() {
		switch strings.TrimPrefix(strings.TrimPrefix(reason, "CONNECT: "), "DISCONNECT: ") {
		case "server unavailable", "server shutting down", "session taken over":
		default:
			t.Errorf("a client is told %q", reason)
		}
	}
}

// Two of seven nodes are killed at once, and two others, and so on. The five go on meanwhile.
func TestSevenNodesTwoKilled(t *testing.T) {
	s := newStorm(t, stormConfig{Config: cluster.Config{Nodes: 7, Seed: seed()}})
	s.flows()
	for k := range brief(1, 10) {
		a, b := int(3*k)%7, int(3*k+2)%7
		s.note("kill nodes %d and %d", a, b)
		s.kill(a, b)
		s.flows()
		s.restart(a, b)
		s.settle()
		s.flows()
	}
	s.finish()
}

// stop stops a node in good order.
func (s *storm) stop(i int) {
	s.t.Helper()
	s.note("stop node %d", i)
	if code := s.Terminate(i); code != 0 {
		s.t.Errorf("node %d was stopped and ended with %d", i, code)
	}
	s.world.Booted(i)
}
