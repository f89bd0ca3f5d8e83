package chaos

import (
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// finish lets the publishers come to an end and holds the cluster to everything that it promised.
func (w *world) finish() {
	w.t.Helper()
	var last []string
	for _, p := range w.publishers {
		if !p.dead {
			p.finish(w.t)
			last = append(last, p.last())
		}
	}
	everything := w.agree(last)
	assertPublisherOrder(w.t, everything)
	w.assertNothingLost(everything)
	w.assertQuiet()
	w.assertLogs()
}

// agree waits until all recorders that still live have the last messages, and returns what everybody has.
func (w *world) agree(last []string) []string {
	w.t.Helper()
	w.receive(last...)
	var everything []string
	w.until("all records end alike", func() bool {
		everything = weave(w.t, w.recorders)
		for _, r := range w.living() {
			if lines := r.snapshot(); lines[len(lines)-1] != everything[len(everything)-1] {
				return false
			}
		}
		return true
	})
	w.t.Logf("%d messages in one order", len(everything))
	return everything
}

// receive waits until all recorders that still live have these payloads.
func (w *world) receive(payloads ...string) {
	w.t.Helper()
	for i := range payloads {
		payloads[i] = note(payloads[i])
	}
	for _, r := range w.living() {
		w.until(r.name+" has the last messages", func() bool { return r.has(payloads) })
	}
}

// living returns the recorders whose node was not killed. They must still be connected.
func (w *world) living() []*recorder {
	w.t.Helper()
	var living []*recorder
	for _, r := range w.recorders {
		if r.dead {
			continue
		}
		select {
		case <-r.c.Done():
			w.t.Fatalf("%s lost its connection", r.name)
		default:
			living = append(living, r)
		}
	}
	return living
}

// assertNothingLost fails unless what was acknowledged was delivered, and what was published by clients of nodes that
// were not killed.
func (w *world) assertNothingLost(everything []string) {
	w.t.Helper()
	delivered := map[string]bool{}
	for _, line := range everything {
		delivered[line] = true
	}
	for _, p := range w.publishers {
		p.mu.Lock()
		promised := p.acked
		if !p.dead {
			promised = p.sent
		}
		for _, payload := range promised {
			if !delivered[payload] {
				w.t.Errorf("%q is lost", payload)
			}
		}
		p.mu.Unlock()
	}
}

// assertQuiet waits until no node makes events any more.
func (w *world) assertQuiet() {
	w.t.Helper()
	var before [nodes]cluster.Status
	w.until("all nodes are quiet", func() bool {
		time.Sleep(time.Second)
		quiet := true
		for i := range nodes {
			s, err := w.Status(i)
			if err != nil {
				w.t.Fatal(err)
			}
			quiet = quiet && s.Node.Own == before[i].Node.Own && s.Node.PoolCount == 0 && s.Node.Unordered == 0 &&
				s.Node.Waiting == 0 && s.Node.Missing == 0
			before[i] = s
		}
		return quiet
	})
}

// maxLines is how many lines a node may log in a test: enough for what happened, and not for a flood.
const maxLines = 100

func (w *world) assertLogs() {
	w.t.Helper()
	for i := range nodes {
		if lines := w.Log(i); len(lines) > maxLines*(1+w.boots[i]) {
			w.t.Errorf("node %d logged %d lines", i, len(lines))
		}
	}
}

// until waits until the condition holds.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for ends := time.Now().Add(cluster.Patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(ends) {
			w.describe()
			w.t.Fatalf("waited %v until %s", cluster.Patience, what)
		}
	}
}

// describe logs how the nodes are doing, for whoever wants to know why something takes long.
func (w *world) describe() {
	w.t.Helper()
	for i := range nodes {
		s, err := w.Status(i)
		w.t.Logf("node %d: %+v %v", i, s.Node, err)
	}
}
