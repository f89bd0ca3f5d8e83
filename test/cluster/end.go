package cluster

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Kill ends the nodes all at once, as kill -9 does, and waits until they are gone.
func (c *Cluster) Kill(nodes ...int) {
	c.t.Helper()
	for _, i := range nodes {
		_ = c.Nodes[i].cmd.Process.Kill()
	}
	for _, i := range nodes {
		<-c.Nodes[i].done
	}
}

// Stop ends the node as Ctrl-C does, waits until it is gone, and returns its exit code.
func (c *Cluster) Stop(i int) int {
	c.t.Helper()
	return c.end(i, syscall.SIGINT)
}

// Terminate is Stop as a service manager does it.
func (c *Cluster) Terminate(i int) int {
	c.t.Helper()
	return c.end(i, syscall.SIGTERM)
}

func (c *Cluster) end(i int, s os.Signal) int {
	c.t.Helper()
	node := c.Nodes[i]
	if err := node.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-node.done:
	case <-time.After(Patience):
		c.t.Fatalf("node %d does not stop", i)
	}
	return node.cmd.ProcessState.ExitCode()
}

// Alive reports whether the node's process is there.
func (c *Cluster) Alive(i int) bool {
	select {
	case <-c.Nodes[i].done:
		return false
	default:
		return true
	}
}

// DataDir returns the node's data directory.
func (c *Cluster) DataDir(i int) string {
	if c.config.DataDir != "" {
		return filepath.Join(c.config.DataDir, strconv.Itoa(i))
	}
	return filepath.Join(c.dir, "data"+strconv.Itoa(i))
}

// Wipe removes what is in the data directory of a node that has ended.
func (c *Cluster) Wipe(i int) {
	c.t.Helper()
	entries, err := os.ReadDir(c.DataDir(i))
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(c.DataDir(i), e.Name())); err != nil {
			c.t.Fatal(err)
		}
	}
}

// Backup copies the data directory of a node that has ended, and returns a function that puts the copy back once the node
// has ended again.
func (c *Cluster) Backup(i int) (restore func()) {
	c.t.Helper()
	copied, err := os.MkdirTemp(c.dir, "backup"+strconv.Itoa(i)+"-")
	if err != nil {
		c.t.Fatal(err)
	}
	c.copy(copied, c.DataDir(i))
	return func() {
		c.t.Helper()
		c.Wipe(i)
		c.copy(c.DataDir(i), copied)
	}
}

// copy copies what is in a directory, if that exists.
func (c *Cluster) copy(to, from string) {
	c.t.Helper()
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		c.t.Fatal(err)
	}
}
