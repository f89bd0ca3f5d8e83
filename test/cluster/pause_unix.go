//go:build unix

package cluster

import "syscall"

// Pause stops the node's process where it stands, as a machine that hangs.
func (c *Cluster) Pause(i int) { c.signal(i, syscall.SIGSTOP) }

// Resume lets a paused node go on.
func (c *Cluster) Resume(i int) { c.signal(i, syscall.SIGCONT) }

func (c *Cluster) signal(i int, s syscall.Signal) {
	c.t.Helper()
	if err := c.Nodes[i].cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}
