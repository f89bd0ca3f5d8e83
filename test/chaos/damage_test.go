package chaos

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/foxmq/foxmq/test/cluster"
)

// The log of a node that was killed is damaged behind its last checkpoint: a byte has changed with whole records behind
// it, the file is cut, or it is gone. The node says what it found, fetches the rest from its peers, and nothing that was
// acknowledged is lost.
func TestDamagedLog(t *testing.T) {
	s := newStorm(t, stormConfig{Config: cluster.Config{Seed: seed()}})
	damages := []struct {
		name string
		do   func(t *testing.T, segment string)
		says string
	}{
		{"a byte has changed", changeByte, "the log is corrupt; what comes after is fetched from peers"},
		{"it is cut", cutInHalf, "the log's end was torn and has been cut"},
		{"it is gone", remove, ""},
	}
	for node, damage := range damages[:brief(1, 3)] {
		s.flows()
		segment := s.killWithLog(node)
		s.note("of node %d's segment %s: %s", node, filepath.Base(segment), damage.name)
		damage.do(t, segment)
		before := len(s.Log(node))
		s.restart(node)
		s.settle()
		s.assertSays(node, before, damage.says)
		s.flows()
		s.forget()
	}
	s.finish()
}

// leastDamaged is how many bytes a segment must have so that there are whole records behind its middle.
const leastDamaged = 16 << 10

// killWithLog kills a node when it has that much in its newest segment, and returns the segment's path. With that
// segment the log goes on from the last checkpoint, or will from the next.
func (s *storm) killWithLog(node int) (segment string) {
	s.t.Helper()
	s.until("a node dies with something in its log", func() bool {
		if segment = s.newest(node); size(segment) < leastDamaged {
			return false
		}
		s.kill(node)
		if segment = s.newest(node); size(segment) >= leastDamaged {
			return true
		}
		s.restart(node)
		s.settle()
		return false
	})
	return segment
}

// newest returns the path of the last segment of a node's log, "" if there is none.
func (s *storm) newest(node int) string {
	s.t.Helper()
	segments, err := filepath.Glob(filepath.Join(s.DataDir(node), "log", "*.log")) // in ascending order
	if err != nil {
		s.t.Fatal(err)
	}
	if len(segments) == 0 {
		return ""
	}
	return segments[len(segments)-1]
}

// size returns the size of a file, 0 if there is none.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func changeByte(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		b[len(b)/2] ^= 1
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func cutInHalf(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, size(path)/2); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// assertSays fails unless the node has logged the text once, after so many lines.
func (s *storm) assertSays(node, after int, text string) {
	s.t.Helper()
	n := 0
	for _, line := range s.Log(node)[after:] {
		if strings.Contains(line, text) {
			n++
		}
	}
	if text != "" && n != 1 {
		s.t.Errorf("node %d logged %d times %q", node, n, text)
	}
}
