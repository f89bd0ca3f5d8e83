package chaos

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
)

// recorder is a subscriber of # that writes down the payloads it receives.
type recorder struct {
	name   string
	node   int
	behind string // what others had received before it came, "" if nothing
	dead   bool   // its node was killed
	c      *client.Client

	mu    sync.Mutex
	lines []string // guarded by mu
}

// record connects a recorder to a node.
func record(t *testing.T, addr string, node int, qos byte, behind string) *recorder {
	t.Helper()
	r := &recorder{name: fmt.Sprintf("recorder-%d-qos%d", node, qos), node: node, behind: behind}
	r.c = dial(t, addr, client.Options{ClientID: r.name, OnMessage: r.add})
	if err := r.c.Subscribe(patience(t), "#", qos); err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	return r
}

// noted is how many bytes of a payload a recorder writes down. They tell the messages apart.
const noted = 64

// add notes a message, unless it is one that was retained.
func (r *recorder) add(p *mqtt.Publish) {
	if p.Retain {
		return
	}
	line := note(string(p.Payload))
	r.mu.Lock()
	r.lines = append(r.lines, line)
	r.mu.Unlock()
}

func note(payload string) string { return payload[:min(noted, len(payload))] }

// snapshot returns what was received so far.
func (r *recorder) snapshot() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// has tells whether all of these were received.
func (r *recorder) has(payloads []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range payloads {
		if !slices.Contains(r.lines, p) {
			return false
		}
	}
	return true
}

// weave puts the records together to one that has everything, and fails where two of them differ, or where one begins
// with what was there before it. Each must have begun before those that came before it ended.
func weave(t *testing.T, recorders []*recorder) []string {
	t.Helper()
	var whole []string
	places := map[string]int{}
	for _, r := range recorders {
		lines := r.snapshot()
		if len(lines) == 0 {
			continue
		}
		start := 0
		if r.behind != "" {
			var known bool
			if start, known = places[lines[0]]; !known {
				t.Fatalf("%s begins with %q, which nobody before it has", r.name, lines[0])
			}
			if start <= places[r.behind] {
				t.Fatalf("%s begins with %q, which came before it", r.name, lines[0])
			}
		}
		for i, line := range lines {
			switch place := start + i; {
			case place == len(whole):
				places[line] = place
				whole = append(whole, line)
			case whole[place] != line:
				t.Fatalf("message %d: %s has %q, others have %q", place, r.name, line, whole[place])
			}
		}
	}
	return whole
}

// assertPublisherOrder fails if some publisher's messages are not in its order, or occur twice.
func assertPublisherOrder(t *testing.T, lines []string) {
	t.Helper()
	last := map[string]int{}
	for i, line := range lines {
		name, number, _ := strings.Cut(line, " ")
		var n int
		if _, err := fmt.Sscan(number, &n); err != nil {
			t.Fatalf("message %d is not ours: %q", i, line)
		}
		if before, seen := last[name]; seen && n <= before {
			t.Fatalf("message %d: %s's %d comes behind its %d", i, name, n, before)
		}
		last[name] = n
	}
}
