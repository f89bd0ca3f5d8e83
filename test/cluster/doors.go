package cluster

import (
	"fmt"
	"os"
	"path/filepath"
)

// addDoors gives a node the listeners of Config.Doors.
func (c *Cluster) addDoors(node *Node, i int) {
	c.t.Helper()
	ports := freePorts(c.t, 2, "tcp")
	node.MQTTS, node.SecureWebSockets = c.addr(ports[0]), c.addr(ports[1])
	node.UnixSocket = filepath.Join(c.dir, fmt.Sprintf("%d.sock", i))
	node.Certificate = filepath.Join(c.dir, fmt.Sprintf("key_%d.crt", i))
	node.args = append(node.args,
		"--mqtts", "--mqtts-addr", node.MQTTS, "--secure-websockets", "--secure-websockets-addr", node.SecureWebSockets,
		"--unix-socket", node.UnixSocket)
}

// writeFiles writes what Config.Files adds to the configuration.
func (c *Cluster) writeFiles() {
	c.t.Helper()
	for name, text := range c.config.Files {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}
