package chaos

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/foxmq/foxmq/internal/client"
	"github.com/foxmq/foxmq/internal/mqtt"
	"github.com/foxmq/foxmq/test/cluster"
)

// The disk of one node is full, for real. It says that it is not ready, refuses publishes or lets them wait, and keeps
// its connections, while the others go on. When there is room again it recovers by itself.
func TestDiskFull(t *testing.T) {
	const node = 3
	base := t.TempDir()
	disk := smallDisk(t, filepath.Join(base, strconv.Itoa(node)))
	s := newStorm(t, stormConfig{Config: cluster.Config{
		Seed: seed(), DataDir: base, Flags: []string{"--node-timeout", "10m"}, // a node taken to be dead closes its clients
	}})
	guest := dial(t, s.Nodes[node].MQTT, client.Options{ClientID: "guest"})
	s.flows()
	for range brief(1, 5) {
		s.note("the disk of node %d is full", node)
		remove := fill(t, disk)
		s.WaitNotReady(node)
		_, reason := s.Ready(node)
		s.note("node %d: %s", node, reason)
		answers := make(chan error, 1)
		if err := guest.PublishAsync("guest", []byte("guest"), 1, func(err error) { answers <- err }); err != nil {
			t.Fatal(err)
		}
		s.flows()
		s.assertRefused(guest, answers)
		for i := range s.Nodes {
			if _, reason := s.Ready(i); i != node && reason != "ready" {
				t.Errorf("node %d says %q", i, reason)
			}
		}
		remove()
		s.note("there is room again")
		s.settle()
		s.flows()
		if err := guest.Publish(patience(t), "guest", []byte("guest"), 1, false); err != nil {
			t.Errorf("a publish on a node that has recovered: %v", err)
		}
	}
	s.finish()
}

// smallDisk mounts a small file system on a directory.
func smallDisk(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128m"); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill fills up the file system of a directory, and returns what makes room again.
func fill(t *testing.T, dir string) (remove func()) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "filling"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(file.Name()); err != nil {
			t.Error(err)
		}
	}
}

// assertRefused fails unless the client is still connected, to a node that has not accepted its publish.
func (s *storm) assertRefused(c *client.Client, answers <-chan error) {
	s.t.Helper()
	if err := c.Ping(patience(s.t)); err != nil {
		s.t.Fatalf("a node without room on its disk does not answer: %v", err)
	}
	var refused *client.RefusedError
	select {
	case err := <-answers:
		if !errors.As(err, &refused) || refused.Code != mqtt.QuotaExceeded {
			s.t.Errorf("a publish on a node without room on its disk is answered with %v", err)
		}
	case <-time.After(time.Second):
		s.note("the publish waits")
	}
}
