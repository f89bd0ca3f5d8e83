package cluster

import (
	"os"
	"syscall"
	"time"
)

// Dump ends the node and returns all that it has logged, its goroutines' stacks at last.
func (c *Cluster) Dump(i int) string {
	c.t.Helper()
	node := c.Nodes[i]
	if err := node.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-node.done:
	case <-time.After(Patience):
		c.t.Fatalf("node %d does not end", i)
	}
	b, err := os.ReadFile(node.log)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// Dir returns the configuration directory that the nodes share.
func (c *Cluster) Dir() string { return c.dir }
