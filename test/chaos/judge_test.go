package chaos

import (
	"context"
	"strings"
	"time"

	"github.com/foxmq/foxmq/test/chaos/roam"
	"github.com/foxmq/foxmq/test/chaos/verdict"
	"github.com/foxmq/foxmq/test/cluster"
)

// finish ends all harm, lets everything come to rest and judges what the clients have seen.
func (s *storm) finish() *verdict.Report {
	s.t.Helper()
	s.Network.Heal()
	s.settle()
	s.drain()
	h := s.history()
	s.level()
	h.Retained = s.retained(&h)
	s.assertSound()
	r := h.Judge()
	s.t.Logf("%d messages published, %d acknowledged, %d refused; %d delivered, of these at QoS 1 %d again, at QoS 2 %d "+
		"again after a kill, %d without DUP; %d shared; refusals and farewells: %v", r.Published, r.Acknowledged, r.Refused,
		r.Delivered, r.Repeated, r.Count(verdict.TwiceAfter), r.Count(verdict.Unmarked), r.Shared, s.farewells())
	if len(r.Findings) > 0 {
		s.t.Logf("findings:\n%s", strings.Join(r.Findings, "\n"))
	}
	if len(r.Faults) > 0 {
		s.t.Errorf("faults:\n%s", strings.Join(r.Faults, "\n"))
	}
	return r
}

// assertSound fails if a node has broken down, or has found that it or others have another state.
func (s *storm) assertSound() {
	s.t.Helper()
	for i := range s.Nodes {
		status, err := s.Status(i)
		if err != nil {
			s.t.Fatal(err)
		}
		if status.Node.Disputes > 0 {
			s.t.Errorf("node %d counts %d votes by which the nodes' states differ", i, status.Node.Disputes)
		}
		for _, line := range s.Log(i) {
			if strings.Contains(line, "panic:") || strings.Contains(line, "fatal error:") {
				s.t.Errorf("node %d logged %q", i, line)
			}
		}
	}
}

// drain lets the publishers come to an end and the subscribers receive what there is. If they do not, the judgement says
// what they lack.
func (s *storm) drain() {
	s.t.Helper()
	for _, p := range s.publishers {
		p.Finish()
	}
	ended := make(chan struct{})
	go func() {
		s.publishing.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(cluster.Patience):
		s.describe()
		s.t.Fatalf("publishers wait for answers after %v", cluster.Patience)
	}
	if !s.comes(s.received) {
		s.describe()
		s.t.Errorf("subscribers wait for messages after %v", cluster.Patience)
	}
	time.Sleep(time.Second) // for what comes twice
	s.hush()
	s.receiving.Wait()
}

// received tells whether each subscriber has all messages that were not refused.
func (s *storm) received() bool {
	published := 0
	for _, p := range s.publishers {
		for _, sent := range p.History().Sent {
			if sent.Fate != verdict.Refused {
				published++
			}
		}
	}
	for _, r := range s.subscribers {
		if _, distinct := r.Count(); distinct < published {
			return false
		}
	}
	return s.shared() >= published
}

// shared returns how many messages have come to some member of the group.
func (s *storm) shared() int {
	came := map[verdict.Message]bool{}
	for _, r := range s.members {
		for _, d := range r.History().Got {
			came[d.Message] = true
		}
	}
	return len(came)
}

func (s *storm) history() verdict.History {
	h := verdict.History{Killed: func(c verdict.Conn) bool { return s.killed[c] }}
	for _, p := range s.publishers {
		h.Publishers = append(h.Publishers, p.History())
	}
	for _, r := range s.subscribers {
		h.Subscribers = append(h.Subscribers, r.History())
	}
	for _, r := range s.members {
		h.Members = append(h.Members, r.History())
	}
	return h
}

// level waits until all nodes have the same stream.
func (s *storm) level() {
	s.t.Helper()
	s.until("all nodes have one stream", func() bool {
		marks := map[cluster.Mark]int{}
		indexes := map[uint64]bool{}
		for i := range s.Nodes {
			status, err := s.Status(i)
			if err != nil || status.Node.PoolCount > 0 {
				return false
			}
			marks[status.Node.Stream] = i
			indexes[status.Node.Stream.Index] = true
		}
		if len(indexes) == 1 && len(marks) > 1 {
			s.t.Fatalf("the streams of the nodes differ: %v", marks)
		}
		return len(marks) == 1
	})
}

// retained asks all nodes what they retain.
func (s *storm) retained(h *verdict.History) (all []map[string]verdict.Message) {
	s.t.Helper()
	topics := map[string]bool{}
	for _, p := range h.Publishers {
		for _, sent := range p.Sent {
			if sent.Topic != "" && sent.Fate == verdict.Acknowledged {
				topics[sent.Topic] = true
			}
		}
	}
	for i, n := range s.Nodes {
		ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience/4)
		kept, err := roam.Retained(ctx, n.MQTT, s.load, len(topics))
		cancel()
		if err != nil {
			s.t.Fatalf("node %d: %v", i, err)
		}
		all = append(all, kept)
	}
	return all
}
